import { describe, expect, test } from '@jest/globals';
import { API_VERSION, type SmtpAccount, type SmtpAccountSpec } from '../../api/index.ts';
import type { OwnerReference, Secret } from '../../kube/index.ts';
import { secretOf } from './content.ts';
import { decideAccount } from './decide.ts';
import { Keepsakes } from './keepsakes.ts';
import { isInherited, readPublished } from './published.ts';
import type { AccountSnapshot } from './snapshot.ts';

const NOW = new Date('2026-06-01T12:00:00Z');
const ISSUED = '2026-06-01T08:00:00Z';
const RESTORED = '2026-06-01T11:59:00Z';
const OWNER = { apiVersion: API_VERSION, kind: 'SmtpAccount', name: 'app' };
const TEAM: OwnerReference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'team', uid: 'cccc' };

const account = (spec: SmtpAccountSpec = {}): SmtpAccount => ({
  apiVersion: API_VERSION,
  kind: 'SmtpAccount',
  metadata: { name: 'app', namespace: 'team', uid: 'new', generation: 1 },
  spec,
});

function secretFor(spec: SmtpAccountSpec, owners: OwnerReference[], annotations = {}): Secret {
  const credentials = {
    username: 'smtpuser_00000001',
    password: 'p'.repeat(32),
    revision: 3,
    verifierId: 'r3-c',
    issuedAt: ISSUED,
    answered: { rotation: 2, reset: 1 },
    previous: [],
  };
  const endpoint = {
    relay: 'system/main',
    host: 'mail.example',
    port: 587,
    caBundle: undefined,
    from: undefined,
  };
  const secret = secretOf(account(spec), credentials, endpoint);
  Object.assign(secret.metadata, { uid: 'secret', resourceVersion: '7', creationTimestamp: RESTORED });
  secret.metadata.ownerReferences = owners;
  Object.assign(secret.metadata.annotations!, { 'migosmtp.com/account-uid': 'old' }, annotations);
  return secret;
}

/** No relay is chosen yet, as while a backup is restored. */
function decide(spec: SmtpAccountSpec, secret: Secret, isCollected = false) {
  const one = account(spec);
  const state = readPublished(one, secret);
  const snapshot: AccountSnapshot = {
    key: 'team/app',
    account: one,
    isListed: true,
    problems: [],
    choice: { found: false, reason: 'RelayNotFound', message: 'no relay' },
    relay: undefined,
    elsewhere: [],
    plan: undefined,
    planRelay: undefined,
    secret: state,
    isInherited: state.is === 'ours' && isInherited(state.published, one),
    isCollected,
    matched: -1,
    former: undefined,
    source: { is: 'unused' },
    rollouts: [],
    undead: undefined,
    lastUsed: new Map(),
    usage: undefined,
    secretCheckMs: 30_000,
  };
  return decideAccount(snapshot, NOW);
}

describe('a Secret whose owner is gone', () => {
  test('gets the account as its owner, before there is a relay; other owners stay', () => {
    const { rule, actions } = decide({}, secretFor({}, [TEAM, { ...OWNER, uid: 'old' }]));
    expect([rule, actions[0]]).toMatchObject([
      'StaleOwner',
      {
        do: 'own',
        patch: {
          metadata: {
            uid: 'secret',
            resourceVersion: '7',
            ownerReferences: [TEAM, { name: 'app', uid: 'new' }],
            annotations: { 'migosmtp.com/account-uid': 'new', 'migosmtp.com/adopted': 'secret' },
          },
        },
      },
    ]);
  });

  test('gets none with Retain', () => {
    const spec: SmtpAccountSpec = { secret: { deletionPolicy: 'Retain' } };
    const { actions } = decide(spec, secretFor(spec, [{ ...OWNER, uid: 'old' }]));
    expect(actions[0]).toMatchObject({ do: 'own', patch: { metadata: { ownerReferences: [] } } });
  });

  test.each([
    ['has no owner, as most backup tools restore it', [], {}],
    ['has the right owner', [{ ...OWNER, uid: 'new' }], {}],
    [
      'was taken over by an account that was deleted since',
      [{ ...OWNER, uid: 'old' }],
      { 'migosmtp.com/adopted': 'secret' },
    ],
  ])('one that %s is left to the other rules', (_, owners, annotations) => {
    expect(decide({}, secretFor({}, owners, annotations)).rule).toBe('RelayNotFound');
  });

  test('is put back as it was when it was collected after it was read', () => {
    const secret = secretFor({}, [{ ...OWNER, uid: 'new' }]);
    const { rule, actions, events } = decide({}, secret, true);
    const { type, data } = secret;
    expect([rule, actions[0], events]).toMatchObject([
      'PutBack',
      { do: 'create', secret: { metadata: { ownerReferences: [{ uid: 'new' }] }, type, data } },
      [{ type: 'Warning', reason: 'SecretPutBack' }],
    ]);
    const { uid, resourceVersion } = (actions[0] as { secret: Secret }).secret.metadata;
    expect([uid, resourceVersion]).toEqual([undefined, undefined]);
  });
});

describe('what is kept of it', () => {
  const first = secretFor({}, []);
  const second = secretFor({}, [TEAM]);

  test('is what was written last, for two minutes, or until the account goes', () => {
    let now = 0;
    const kept = new Keepsakes(() => now);
    kept.renew('a', second);
    expect(kept.recall('a')).toBeUndefined();
    kept.keep('a', first);
    kept.renew('a', second);
    now = 119_000;
    expect(kept.recall('a')).toBe(second);
    now = 120_000;
    expect(kept.has('a')).toBe(false);
    kept.keep('a', first);
    kept.forget('a');
    expect(kept.has('a')).toBe(false);
  });
});
