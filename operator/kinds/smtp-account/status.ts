/** Status of an account from a snapshot. Pure. */
import type { SmtpAccountStatus } from '../../api/index.ts';
import {
  condition,
  mergeConditions,
  timestampOf,
  type ConditionDraft,
  type ConditionStatus,
} from '../../runtime/index.ts';
import { unverifiedOf } from './endpoint.ts';
import { secretNameOf, type Published } from './published.ts';
import { REASONS } from './reasons.ts';
import { rolloutCondition } from './rollout.ts';
import { nextRotationAt } from './schedule.ts';
import type { AccountSnapshot } from './snapshot.ts';

/** Where the account stands: `step` is the one that it is at; those before it are done. */
export interface Standing {
  ready: ConditionStatus;
  reason: string;
  message: string;
  step: 'spec' | 'plan' | 'relay' | 'login' | 'secret' | 'suspended' | 'done';
}

const STEPS = ['plan', 'relay', 'login', 'secret'] as const;

export function statusOf(snapshot: AccountSnapshot, standing: Standing, now: Date): SmtpAccountStatus {
  const account = snapshot.account!;
  const { relay, secret } = snapshot;
  const generation = account.metadata.generation;
  const published = secret.is === 'ours' ? secret.published : undefined;
  const told = isSecretUnread(snapshot) ? account.status : undefined;
  const username = relay?.entry?.username ?? published?.username ?? told?.username;
  const usage = snapshot.usage ?? account.status?.usage;
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...(username === undefined || username === '' ? {} : { username }),
    ...(relay === undefined
      ? {}
      : {
          host: relay.facts.host,
          ports: relay.facts.ports,
          relayRef: { name: relay.name, namespace: relay.namespace },
        }),
    ...(published === undefined
      ? {
          ...(told?.binding && { binding: told.binding }),
          ...(told?.credentials && { credentials: told.credentials }),
        }
      : { binding: { name: secretNameOf(account) }, credentials: credentialsOf(snapshot, published) }),
    ...(usage === undefined ? {} : { usage }),
    conditions: mergeConditions(account.status?.conditions, draftsOf(snapshot, standing), generation, now),
  };
}

/**
 * Nothing is known of the Secret that status names: it was not looked at, or is the one under the former name. It is still
 * found by that name when the account can go on, and its password moves on with it.
 */
function isSecretUnread({ relay, secret, former }: AccountSnapshot): boolean {
  return secret.is === 'foreign' || (secret.is === 'absent' && (relay === undefined || former !== undefined));
}

function credentialsOf(snapshot: AccountSnapshot, published: Published): SmtpAccountStatus['credentials'] {
  const next = nextRotationAt(snapshot.account!, published);
  const told = snapshot.account!.status?.credentials?.previous;
  const previous = published.previous.map(({ id, revision, validUntil }) => {
    const before = told?.find((entry) => entry.revision === revision)?.lastUsedAt;
    const lastUsedAt = worthTelling(before, snapshot.lastUsed.get(id));
    return { revision, validUntil, ...(lastUsedAt === undefined ? {} : { lastUsedAt }) };
  });
  return {
    revision: published.revision,
    issuedAt: timestampOf(new Date(published.issuedAt ?? 0)),
    answered: published.answered,
    ...(previous.length === 0 ? {} : { previous }),
    ...(Number.isFinite(next) ? { nextRotationAt: timestampOf(new Date(next)) } : {}),
  };
}

/** A password that is in use is used every minute: that is told every quarter of an hour. */
function worthTelling(before: string | undefined, usedAt: string | undefined): string | undefined {
  if (before === undefined || usedAt === undefined) return usedAt ?? before;
  return Date.parse(usedAt) - Date.parse(before) >= LAST_USE_MS ? usedAt : before;
}

const LAST_USE_MS = 15 * 60_000;

function draftsOf(snapshot: AccountSnapshot, standing: Standing): ConditionDraft[] {
  const { ready, reason, message } = standing;
  const phase =
    ready === 'True' || standing.step === 'suspended'
      ? []
      : [condition(ready === 'False' ? 'Stalled' : 'Reconciling', 'True', reason, message)];
  return [
    condition('Ready', ready, reason, message),
    planAccepted(snapshot, standing),
    step(
      snapshot,
      standing,
      'relay',
      condition(
        'RelaySynced',
        'True',
        REASONS.applied,
        'every pod of the relay has acknowledged the account',
      ),
    ),
    step(
      snapshot,
      standing,
      'login',
      condition('LoginVerified', 'True', REASONS.proven, 'the published password was proven by a login'),
    ),
    step(
      snapshot,
      standing,
      'secret',
      condition('SecretReady', 'True', REASONS.published, `Secret ${secretNameOf(snapshot.account!)}`),
    ),
    sendersVerified(snapshot),
    ...rolloutCondition(snapshot.account!, snapshot.rollouts),
    ...previousRetired(snapshot),
    ...phase,
  ];
}

/** `done` when the account is past this step, what it stands at for the step itself, Unknown before it. */
function step(
  snapshot: AccountSnapshot,
  standing: Standing,
  name: (typeof STEPS)[number],
  done: ConditionDraft,
): ConditionDraft {
  const { type } = done;
  const pending = condition(type, 'Unknown', REASONS.pending, 'not looked at yet');
  if (standing.step === 'done') return done;
  if (standing.step === name) return condition(type, standing.ready, standing.reason, standing.message);
  if (standing.step === 'suspended') {
    if (name === 'login') return condition(type, 'False', standing.reason, standing.message);
    // Suspended before it was ever served: neither is there.
    const isThere = name === 'relay' ? snapshot.relay?.entry !== undefined : snapshot.secret.is === 'ours';
    return isThere ? done : pending;
  }
  const at = STEPS.indexOf(standing.step as (typeof STEPS)[number]);
  return at > STEPS.indexOf(name) && standing.step !== 'secret' ? done : pending;
}

function planAccepted({ plan }: AccountSnapshot, standing: Standing): ConditionDraft {
  if (plan === undefined) return condition('PlanAccepted', 'Unknown', REASONS.pending, 'not looked at yet');
  if (!plan.isServed && standing.step !== 'plan') {
    return condition('PlanAccepted', 'False', REASONS.planExceeded, standing.message);
  }
  if (standing.step === 'plan') return condition('PlanAccepted', 'False', standing.reason, standing.message);
  const { name, source, maxAccounts } = plan.plan;
  if (name === undefined)
    return condition('PlanAccepted', 'True', REASONS.unlimited, 'the workspace has no plan');
  const origin = source === 'DefaultPlan' ? `default plan ${name} of the relay` : `plan ${name}`;
  const room = maxAccounts === undefined ? '' : `, ${maxAccounts} accounts`;
  return condition('PlanAccepted', 'True', REASONS.withinPlan, `${origin}${room}`);
}

/** Only where something is wrong: that it is refused everywhere is told by an event. */
function previousRetired({ undead }: AccountSnapshot): ConditionDraft[] {
  return undead === undefined
    ? []
    : [condition('PreviousRetired', 'False', REASONS.oldPasswordAccepted, undead)];
}

function sendersVerified({ account, relay }: AccountSnapshot): ConditionDraft {
  const type = 'SendersVerified';
  if (relay === undefined) return condition(type, 'Unknown', REASONS.pending, 'not looked at yet');
  const missing = unverifiedOf(account!, relay.domains);
  if (missing.length > 0) {
    const message = `not verified for this workspace: ${missing.join(', ')}; mail from there is refused`;
    return condition(type, 'False', REASONS.sendersMissing, message);
  }
  if (relay.domains.length === 0) {
    return condition(
      type,
      'False',
      REASONS.sendersMissing,
      'the workspace has no verified domain: mail is refused',
    );
  }
  return condition(type, 'True', REASONS.senders, 'every allowed sender is in a verified domain');
}
