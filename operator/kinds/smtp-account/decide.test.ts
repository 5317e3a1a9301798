import { describe, expect, test } from '@jest/globals';
import { API_VERSION } from '../../api/index.ts';
import { effectivePlan, workspaceConfig } from '../../policy/index.ts';
import { findCondition } from '../../runtime/index.ts';
import { kstatusOf } from '../../runtime/testing/kstatus.ts';
import type { AccountAction, Mint } from './actions.ts';
import { decideAccount } from './decide.ts';
import { entryOf } from './entry.ts';
import { isInherited, readPublished } from './published.ts';
import {
  account,
  at,
  credentials,
  HOUR,
  NOW,
  secretFor,
  snapshot,
  UID,
  verifier,
  type World,
} from './testing/world.ts';

const decide = (world?: World) => decideAccount(snapshot(world), NOW);
const ready = (world?: World) => {
  const condition = findCondition(decide(world).status?.conditions, 'Ready');
  return condition && [condition.status, condition.reason];
};
const mintOf = (world: World): Mint => {
  const action = decide(world).actions.find((entry): entry is Mint => entry.do === 'mint');
  if (action === undefined) throw new Error(`no mint but ${decide(world).rule}`);
  return action;
};
const PREVIOUS = { id: 'r2-b', revision: 2, validUntil: at(HOUR) };

describe('rules', () => {
  test.each<[string, World, string, AccountAction['do'][]]>([
    ['a steady account is left alone', {}, 'Steady', []],
    [
      'an account that is gone is removed from its relay',
      { more: { account: undefined, relay: undefined, elsewhere: ['system/main'] } },
      'Gone',
      ['remove'],
    ],
    [
      'absence that was not listed removes nobody',
      { more: { account: undefined, elsewhere: ['system/main'], isListed: false } },
      'Gone',
      [],
    ],
    [
      'a wrong spec is said and nothing is done',
      { more: { problems: [{ field: 'spec.x', message: 'is wrong' }] } },
      'InvalidSpec',
      [],
    ],
    [
      'without a relay it waits',
      { more: { choice: { found: false, reason: 'RelayNotFound', message: 'm' } } },
      'RelayNotFound',
      [],
    ],
    [
      'a relay that no longer admits it no longer serves it',
      { more: { choice: { found: false, reason: 'RelayNotAllowed', message: 'm' }, elsewhere: ['a/b'] } },
      'RelayNotAllowed',
      ['remove'],
    ],
    ['a relay that is not open is waited for', { more: { relay: undefined } }, 'RelayStarting', []],
    [
      'the entry of a former account of that name goes first',
      {
        relay: { entry: { ...entryOf(account(), 'x', [], false), id: 'other' } },
        matched: -1,
        secret: 'absent',
      },
      'OtherAccountsEntry',
      ['drop'],
    ],
    [
      'a restored one is kept',
      {
        relay: {
          entry: { ...entryOf(account(), credentials.username, [verifier('r3-c')], false), id: 'other' },
        },
      },
      'EntryDiffers',
      ['sync'],
    ],
    ['a foreign Secret is refused', { secret: 'foreign', matched: -1 }, 'SecretConflict', []],
    [
      'the Secret of a former account is waited out',
      { more: { isInherited: false } },
      'SecretBeingDeleted',
      [],
    ],
    ['a new account gets a password', { secret: 'absent', verifiers: 'unknown' }, 'Created', ['mint']],
    [
      'a new account waits for a pod',
      { secret: 'absent', verifiers: 'unknown', relay: { acknowledged: 'none' } },
      'RelayUnavailable',
      [],
    ],
    [
      'a new account that is suspended gets none',
      { secret: 'absent', verifiers: 'unknown', spec: { suspended: true } },
      'Suspended',
      [],
    ],
    ['a password that no relay knows is taken over', { verifiers: 'unknown' }, 'UnknownVerifier', ['adopt']],
    ['a deleted Secret is replaced', { secret: 'absent' }, 'SecretDeleted', ['mint']],
    ['a password that was never issued is replaced', { matched: -1 }, 'SecretEdited', ['mint']],
    [
      'an old password put back by hand is replaced',
      { verifiers: [verifier('r4-d'), verifier('r3-x')], matched: 1 },
      'SecretEdited',
      ['mint'],
    ],
    [
      'a mint that was interrupted is undone',
      { verifiers: [verifier('r4-d'), verifier('r3-c')], matched: 1 },
      'EntryDiffers',
      ['sync'],
    ],
    ['a raised revision rotates', { spec: { rotation: { revision: 3 } } }, 'Rotated', ['mint']],
    [
      'a rotation waits for a pod',
      { spec: { rotation: { revision: 3 } }, relay: { acknowledged: 'none' } },
      'RelayUnavailable',
      [],
    ],
    ['a lowered revision does nothing', { spec: { rotation: { revision: 1 } } }, 'Steady', []],
    [
      'an interval that has passed rotates',
      { spec: { rotation: { interval: '30m' } } },
      'IntervalPassed',
      ['mint'],
    ],
    ['one that has not does not', { spec: { rotation: { interval: '3h' } } }, 'Steady', []],
    [
      'a raised reset goes before everything',
      { spec: { rotation: { revision: 9, resetRevision: 2 } }, matched: -1 },
      'Reset',
      ['mint'],
    ],
    [
      'a reset does not wait for a pod',
      { spec: { rotation: { resetRevision: 2 } }, relay: { acknowledged: 'none' } },
      'Reset',
      ['mint'],
    ],
    [
      'a changed source is a new password',
      { spec: { passwordFrom: { name: 's' } }, more: { source: { is: 'there', password: 'other' } } },
      'PasswordChanged',
      ['mint'],
    ],
    [
      'a missing source does not touch what is published',
      { spec: { passwordFrom: { name: 's' } }, more: { source: { is: 'missing', message: 'm' } } },
      'Steady',
      [],
    ],
    [
      'a missing source is waited for',
      {
        spec: { passwordFrom: { name: 's' } },
        secret: 'absent',
        verifiers: 'unknown',
        more: { source: { is: 'missing', message: 'm' } },
      },
      'PasswordMissing',
      [],
    ],
    [
      'a reset of a brought password kills it and waits',
      {
        spec: { passwordFrom: { name: 's' }, rotation: { resetRevision: 2 } },
        more: { source: { is: 'there', password: credentials.password } },
      },
      'PasswordMissing',
      ['sync'],
    ],
    [
      'changed limits go to the relay',
      {
        relay: {
          entry: entryOf(
            account({ limits: { perHour: 3 } }),
            credentials.username,
            [verifier('r3-c')],
            false,
          ),
        },
      },
      'EntryDiffers',
      ['sync'],
    ],
    ['suspension goes to the relay', { spec: { suspended: true } }, 'EntryDiffers', ['sync']],
    [
      'what is late is waited for',
      { relay: { acknowledged: 'late', latePods: ['p'] } },
      'NotAcknowledged',
      ['await'],
    ],
    [
      'an earlier password stays until its end',
      { verifiers: [verifier('r3-c'), verifier('r2-b')], secret: { previous: [PREVIOUS] } },
      'Steady',
      [],
    ],
    [
      'and goes then',
      {
        verifiers: [verifier('r3-c'), verifier('r2-b')],
        secret: { previous: [{ ...PREVIOUS, validUntil: at(-1) }] },
      },
      'EntryDiffers',
      ['sync'],
    ],
    [
      'the Secret forgets it after the relay',
      { secret: { previous: [{ ...PREVIOUS, validUntil: at(-1) }] } },
      'SecretDiffers',
      ['patch'],
    ],
    [
      'a new host goes into the Secret',
      { relay: { facts: { host: 'new.example', ports: { starttls: 587, tls: 465 }, caBundle: 'PEM' } } },
      'SecretDiffers',
      ['patch'],
    ],
    ['another relay that still serves it is left', { more: { elsewhere: ['a/b'] } }, 'Steady', ['leave']],
    [
      'workloads with the old password are restarted',
      {
        secret: { rollout: { revision: 3, since: at(-1000) } },
        more: { rollouts: [{ target: { kind: 'Deployment', name: 'web' }, state: { is: 'due' } }] },
      },
      'Steady',
      ['restart'],
    ],
  ])('%s', (_, world, rule, actions) => {
    const decision = decide(world);
    expect([decision.rule, decision.actions.map((action) => action.do)]).toEqual([rule, actions]);
  });
});

describe('minting', () => {
  test('a first password is revision 1 and answers what the spec asks already', () => {
    const spec = { rotation: { revision: 5, resetRevision: 2 } };
    expect(mintOf({ spec, secret: 'absent', verifiers: 'unknown' })).toMatchObject({
      revision: 1,
      username: undefined,
      keep: [],
      answered: { rotation: 5, reset: 2 },
    });
  });

  test('a rotation keeps the present one through the overlap, and the earlier ones to their own ends', () => {
    const world: World = {
      spec: { rotation: { revision: 3, overlap: '2h' } },
      verifiers: [verifier('r3-c'), verifier('r2-b')],
      secret: { previous: [PREVIOUS] },
    };
    expect(mintOf(world)).toMatchObject({
      revision: 4,
      username: credentials.username,
      keep: [{ id: 'r3-c' }, { id: 'r2-b' }],
      previous: [{ id: 'r3-c', revision: 3, validUntil: at(2 * HOUR) }, PREVIOUS],
      answered: { rotation: 3, reset: 1 },
    });
  });

  test('at most five earlier ones stay, the newest', () => {
    const ids = ['r8-h', 'r7-g', 'r6-f', 'r5-e', 'r4-d', 'r3-c'];
    const previous = ids.slice(1).map((id) => ({ id, revision: 1, validUntil: at(HOUR) }));
    const mint = mintOf({
      spec: { rotation: { revision: 3 } },
      verifiers: ids.map(verifier),
      secret: { revision: 8, verifierId: 'r8-h', previous },
    });
    expect(mint.keep.map(({ id }) => id)).toEqual(ids.slice(0, 5));
  });

  test('a reset keeps none, and its status goes first', () => {
    const world: World = {
      spec: { rotation: { resetRevision: 2 } },
      verifiers: [verifier('r3-c'), verifier('r2-b')],
    };
    expect(mintOf(world)).toMatchObject({
      keep: [],
      previous: [],
      answered: { rotation: 2, reset: 2 },
      revision: 4,
    });
    expect(decide(world).isStatusFirst).toBe(true);
    expect(ready(world)).toEqual(['Unknown', 'Resetting']);
  });

  test('a drawn password that was never published does not stay', () => {
    const world: World = {
      spec: { rotation: { revision: 3 } },
      verifiers: [verifier('r4-d'), verifier('r3-c')],
      matched: 1,
    };
    expect(mintOf(world).keep.map(({ id }) => id)).toEqual(['r3-c']);
  });
});

describe('an earlier password that is still used near its end', () => {
  const world = (usedMs: number, part: object = {}, overlap = '4h'): World => ({
    spec: { rotation: { overlap } },
    verifiers: [verifier('r3-c'), verifier('r2-b')],
    secret: { previous: [{ ...PREVIOUS, validUntil: at(-1), ...part }] },
    more: { lastUsed: new Map([['r2-b', at(usedMs)]]) },
  });
  test.each<[string, World, string, string[]]>([
    ['stays once more, with a warning', world(-60_000), 'SecretDiffers', ['OldPasswordInUse']],
    ['not a second time', world(-60_000, { isExtended: true }), 'EntryDiffers', []],
    ['not when it was used long before', world(-2 * HOUR), 'EntryDiffers', []],
    ['not when the overlap is short', world(-1_000, {}, '10s'), 'EntryDiffers', []],
  ])('%s', (_, one, rule, events) => {
    const decision = decide(one);
    expect([decision.rule, (decision.events ?? []).map(({ reason }) => reason)]).toEqual([rule, events]);
  });
});

describe('Ready', () => {
  test.each<[string, World, (string | undefined)[]]>([
    ['True when all is done', {}, ['True', 'Ready']],
    ['False when suspended', { spec: { suspended: true }, isSuspended: true }, ['False', 'Suspended']],
    [
      'False over the plan',
      {
        isSuspended: true,
        relay: { workspace: workspaceConfig('team', effectivePlan([], '10k')) },
        more: { plan: { plan: effectivePlan([], '10k'), rank: 5, isServed: false } },
      },
      ['False', 'PlanExceeded'],
    ],
    [
      'False on another relay than the plan of its workspace is counted on',
      {
        isSuspended: true,
        relay: { workspace: workspaceConfig('team', effectivePlan([], '10k')) },
        more: {
          plan: { plan: effectivePlan([], '10k'), rank: 1, isServed: true },
          planRelay: { relay: 'system/other', account: 'first' },
        },
      },
      ['False', 'PlanUsesOtherRelay'],
    ],
    [
      'True on another relay without a plan',
      { more: { planRelay: { relay: 'system/other', account: 'first' } } },
      ['True', 'Ready'],
    ],
    ['Unknown while the relay is away', { relay: { acknowledged: 'none' } }, ['Unknown', 'RelayUnavailable']],
    [
      'False when the spec is wrong',
      { more: { problems: [{ field: 'f', message: 'm' }] } },
      ['False', 'InvalidSpec'],
    ],
  ])('is %s', (_, world, expected) => {
    expect(ready(world)).toEqual(expected);
    const { status } = decide(world);
    const kstatus = kstatusOf({ metadata: { generation: 4 }, ...(status && { status }) });
    const isOnPurpose = expected[1] === 'Suspended';
    const wanted = { True: 'Current', Unknown: 'InProgress', False: isOnPurpose ? 'InProgress' : 'Failed' };
    expect(kstatus).toBe(wanted[expected[0] as keyof typeof wanted]);
  });

  test('is not taken back because no pod serves for a while', () => {
    const one = snapshot({ relay: { acknowledged: 'none' } });
    const { status } = decide({});
    one.account!.status = { ...status, observedGeneration: 4 };
    expect(decideAccount(one, NOW).status).toBeUndefined();
  });

  test('every condition has the generation and a reason', () => {
    for (const entry of decide({}).status?.conditions ?? []) {
      expect(entry).toMatchObject({
        observedGeneration: 4,
        reason: expect.stringMatching(/^[A-Z][A-Za-z]+$/),
      });
    }
  });
});

describe('whose Secret it is', () => {
  const published = (owner: string | undefined, createdAt: string) => {
    const secret = secretFor(account(), snapshot().relay!, {})!;
    secret.metadata.creationTimestamp = createdAt;
    secret.metadata.ownerReferences =
      owner === undefined ? [] : [{ apiVersion: API_VERSION, kind: 'SmtpAccount', name: 'app', uid: owner }];
    const state = readPublished(account(), secret);
    if (state.is !== 'ours') throw new Error('not ours');
    return state.published;
  };
  test.each([
    ['its own', UID, at(-HOUR), true],
    ['one without an owner, retained or restored', undefined, at(-HOUR), true],
    ['one of a former account, about to be collected', 'other', at(-HOUR), false],
    ['one of a restored cluster, younger than its password', 'other', at(-60), true],
  ])('%s', (_, owner, createdAt, expected) => {
    expect(isInherited(published(owner, createdAt), account())).toBe(expected);
  });
});
