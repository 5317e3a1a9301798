import { Construct } from 'constructs';
import type { ITerraformDependable } from '#core';
import { PlanLimit as PlanResource } from '#bindings/plan-limit/index.js';
import { defined } from './defined.ts';
import { mainResource, objectConfig, type ObjectProps } from './object.ts';
import type { ObjectRemovalPolicy } from './removal-policy.ts';

export interface PlanLimitProps extends ObjectProps {
  /** Figures of a known plan: accounts, and emails for a month, a day and an hour. */
  readonly plan?: '10k' | '20k' | '30k';
  /** Most accounts of the workspace; replaces the plan's figure, as every figure below. */
  readonly maxAccounts?: number;
  readonly maxDomains?: number;
  readonly emails?: EmailFigures;
  /** IANA time zone of the calendar windows. Default: UTC. */
  readonly timeZone?: string;
  /** Mail over an hour or day limit. Default: Queue. */
  readonly onWindowLimit?: 'Queue' | 'Reject';
  /** Mail over the month limit. Default: Reject. */
  readonly onMonthLimit?: 'Queue' | 'Reject';
  readonly removalPolicy?: ObjectRemovalPolicy;
}

export interface EmailFigures {
  readonly perMonth?: number;
  readonly perDay?: number;
  readonly perHour?: number;
  /** Most emails held for a window. Default: a day's limit. */
  readonly maxHeld?: number;
}

/**
 * What a workspace may have and send. Applied means: the API server counts. Put it into `dependsOn` of accounts that
 * the same code declares, so that they do not arrive before.
 *
 * @example const plan = new PlanLimit(this, 'Plan', { namespace: 'shop', plan: '10k' });
 */
export class PlanLimit extends Construct implements ITerraformDependable {
  readonly namespace: string;
  /** The Terraform resource: everything that this construct does not offer. */
  readonly resource: PlanResource;

  constructor(scope: Construct, id: string, props: PlanLimitProps) {
    super(scope, id);
    const { plan, maxAccounts, maxDomains, emails, timeZone, onWindowLimit, onMonthLimit } = props;
    const own = { plan, maxAccounts, maxDomains, emails, timeZone, onWindowLimit, onMonthLimit };
    const config = defined({ ...objectConfig(this, 'PlanLimit', props), ...own });
    this.resource = mainResource(this, PlanResource, config);
    this.namespace = props.namespace ?? 'default';
  }

  get fqn(): string {
    return this.resource.fqn;
  }
}
