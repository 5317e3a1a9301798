/** How many objects of each kind are well, read from the caches whenever somebody looks. */
import { Gauge, type Registry } from 'prom-client';
import type { Condition, KubeObject } from './api/index.ts';
import { findCondition, isTrue } from './runtime/index.ts';

type Counted = KubeObject<unknown, { conditions?: Condition[] | undefined }>;

const KIND_OF = {
  relays: 'SmtpRelay',
  accounts: 'SmtpAccount',
  domains: 'VerifiedDomain',
  plans: 'PlanLimit',
  testMessages: 'TestMessage',
} as const;
type ListName = keyof typeof KIND_OF;

export type CountedObjects = Record<ListName, { values: () => Iterable<Counted> }>;

export function watchObjects(registry: Registry, objects: CountedObjects): void {
  registry.registerMetric(objectsGauge(objects));
  registry.registerMetric(removalsGauge(objects));
}

function objectsGauge(objects: CountedObjects): Gauge<'kind' | 'ready' | 'reason'> {
  return new Gauge({
    name: 'migosmtp_objects',
    help: 'Objects by kind, status of their condition Ready, and its reason.',
    labelNames: ['kind', 'ready', 'reason'] as const,
    registers: [],
    collect() {
      // A reason that nobody has any more must not stay.
      this.reset();
      for (const [list, kind] of Object.entries(KIND_OF) as [ListName, string][]) {
        for (const { status } of objects[list].values()) {
          const condition = findCondition(status?.conditions, 'Ready');
          this.inc({ kind, ready: condition?.status ?? 'Unknown', reason: condition?.reason ?? '' });
        }
      }
    },
  });
}

function removalsGauge({ relays }: CountedObjects): Gauge {
  return new Gauge({
    name: 'migosmtp_removals_held',
    help: 'Relays that keep the logins of many accounts which vanished at once.',
    registers: [],
    collect() {
      const holding = [...relays.values()].filter(({ status }) => isTrue(status?.conditions, 'RemovalsHeld'));
      this.set(holding.length);
    },
  });
}
