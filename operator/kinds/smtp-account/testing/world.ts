/** Snapshots of accounts for tests of decisions. */
import {
  API_VERSION,
  type relayApi,
  type SmtpAccount,
  type SmtpAccountSpec,
  type SmtpRelay,
} from '../../../api/index.ts';
import type { Secret } from '../../../kube/index.ts';
import { effectivePlan } from '../../../policy/index.ts';
import { secretOf, type Credentials } from '../content.ts';
import { endpointOf } from '../endpoint.ts';
import { entryOf } from '../entry.ts';
import { readPublished } from '../published.ts';
import type { AccountSnapshot, ChosenRelay } from '../snapshot.ts';

export const NOW = new Date('2026-06-01T12:00:00Z');
export const at = (ms: number): string => new Date(NOW.getTime() + ms).toISOString().replace('.000Z', 'Z');
export const HOUR = 3_600_000;
export const UID = 'aaaa0000-0000-0000-0000-000000000000';

export const verifier = (id: string): relayApi.Verifier => ({ id, algorithm: 'sha256', salt: '', hash: id });
export const account = (spec: SmtpAccountSpec = {}): SmtpAccount => ({
  apiVersion: API_VERSION,
  kind: 'SmtpAccount',
  metadata: { name: 'app', namespace: 'team', uid: UID, generation: 4 },
  spec,
});
const smtpRelay: SmtpRelay = {
  apiVersion: API_VERSION,
  kind: 'SmtpRelay',
  metadata: { name: 'main', namespace: 'system' },
  spec: { delivery: { direct: {} } },
};
export const credentials: Credentials = {
  username: 'smtpuser_00000001',
  password: 'p'.repeat(32),
  revision: 3,
  verifierId: 'r3-c',
  issuedAt: at(-HOUR),
  answered: { rotation: 2, reset: 1 },
  previous: [],
};

export interface World {
  spec?: SmtpAccountSpec;
  verifiers?: relayApi.Verifier[] | 'unknown';
  isSuspended?: boolean;
  secret?: Partial<Credentials> | 'absent' | 'foreign';
  matched?: number;
  relay?: Partial<ChosenRelay>;
  more?: Partial<AccountSnapshot>;
}

/** A steady account, but for what the row changes. */
export function snapshot({
  spec,
  verifiers = [verifier('r3-c')],
  secret = {},
  ...rest
}: World = {}): AccountSnapshot {
  const one = account(spec);
  const entry =
    verifiers === 'unknown'
      ? undefined
      : entryOf(one, credentials.username, verifiers, rest.isSuspended ?? false);
  const relay: ChosenRelay = {
    key: 'system/main',
    name: 'main',
    namespace: 'system',
    facts: { host: 'mail.example', ports: { starttls: 587, tls: 465 }, caBundle: 'PEM' },
    entry,
    workspace: undefined,
    acknowledged: 'yes',
    latePods: [],
    domains: ['example.com'],
    ...rest.relay,
  };
  return {
    key: 'team/app',
    account: one,
    isListed: true,
    problems: [],
    choice: { found: true, relay: smtpRelay },
    relay,
    elsewhere: [],
    plan: { plan: effectivePlan([], undefined), rank: undefined, isServed: true },
    planRelay: undefined,
    secret: readPublished(one, secretFor(one, relay, secret)),
    isInherited: true,
    isCollected: false,
    matched: rest.matched ?? (secret === 'absent' || verifiers === 'unknown' ? -1 : 0),
    former: undefined,
    source: { is: 'unused' },
    rollouts: [],
    undead: undefined,
    lastUsed: new Map(),
    usage: undefined,
    secretCheckMs: 30_000,
    ...rest.more,
  };
}

export function secretFor(one: SmtpAccount, relay: ChosenRelay, secret: World['secret']): Secret | undefined {
  if (secret === 'absent') return undefined;
  if (secret === 'foreign') return { metadata: { name: 'app-smtp', namespace: 'team' } };
  const endpoint = { ...endpointOf(one, relay), host: 'mail.example' };
  return secretOf(one, { ...credentials, ...(secret as Partial<Credentials>) }, endpoint);
}
