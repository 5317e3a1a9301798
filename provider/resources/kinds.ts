import { attribute, type Value, type ValueObject } from '../core/index.ts';
import type { Json, KubeObject } from '../kube/index.ts';
import { passwordCompanion } from './password.ts';
import { countAdvice } from './plan-advice.ts';
import { isObserved, judgeReady, type KindBehaviour, type Progress } from './kind-behaviour.ts';

/** Ready means that pods of the relay answer, so an image pull is part of the wait. */
const smtpRelay: KindBehaviour = {
  kind: 'smtp_relay',
  timeouts: { create: '10m', update: '10m', delete: '5m' },
  judge: (object) => judgeReady(object, 'ScaledToZero'),
};

/** A raised rotation or reset is done when status answers it, which may be after Ready was seen. */
export const smtpAccount: KindBehaviour = {
  kind: 'smtp_account',
  timeouts: { create: '5m', update: '5m', delete: '5m' },
  judge(object, declared) {
    const progress = judgeReady(object, 'Suspended');
    return progress === 'done' && !isAnswered(object, declared) ? 'waiting' : progress;
  },
  companion: passwordCompanion,
  advise: countAdvice('accounts'),
};

/** Done when its records are known: publishing them is up to others, so apply never waits for DNS. */
const verifiedDomain: KindBehaviour = {
  kind: 'verified_domain',
  timeouts: { create: '5m', update: '5m', delete: '5m' },
  judge(object) {
    const { ownership, dkim } = (object.status?.['dnsRecords'] ?? {}) as Json;
    if (isObserved(object) && ownership !== undefined && dkim !== undefined) return 'done';
    const progress = judgeReady(object);
    return typeof progress === 'object' ? progress : 'waiting';
  },
  advise: countAdvice('domains'),
};

const planLimit: KindBehaviour = {
  kind: 'plan_limit',
  timeouts: { create: '5m', update: '5m', delete: '5m' },
  judge: (object) => judgeReady(object),
};

/** Done when the outcome is known: delivered, or failed with the reply that says why. */
export const testMessage: KindBehaviour = {
  kind: 'test_message',
  timeouts: { create: '10m', update: '10m', delete: '5m' },
  judge(object) {
    const { phase, response } = (object.status ?? {}) as { phase?: string; response?: string };
    if (phase === 'Delivered') return 'done';
    if (phase === 'Failed')
      return { failed: `the test mail was not delivered: ${response ?? 'no reply is known'}` };
    const progress = judgeReady(object);
    return typeof progress === 'object' ? progress : 'waiting';
  },
};

export const kindBehaviours: readonly KindBehaviour[] = [
  smtpRelay,
  smtpAccount,
  verifiedDomain,
  planLimit,
  testMessage,
];

/** A domain is verified when the operator calls it Ready, by the checks that its spec requires. */
export function judgeVerified(object: KubeObject): Progress {
  return judgeReady(object);
}

/** A suspended account answers its triggers when it is back. */
function isAnswered(object: KubeObject, declared: ValueObject): boolean {
  if (object.spec?.['suspended'] === true) return true;
  const rotation = attribute(declared, 'rotation');
  const answered = ((object.status?.['credentials'] ?? {}) as { answered?: Json }).answered ?? {};
  return (
    covers(answered['rotation'], attribute(rotation, 'revision')) &&
    covers(answered['reset'], attribute(rotation, 'reset_revision'))
  );
}

function covers(answered: unknown, wanted: Value): boolean {
  return typeof wanted !== 'number' || (typeof answered === 'number' && answered >= wanted);
}
