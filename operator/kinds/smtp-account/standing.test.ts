/** What accounts are told that are suspended, refused, or whose Secret somebody has edited. */
import { describe, expect, test } from '@jest/globals';
import { effectivePlan, workspaceConfig } from '../../policy/index.ts';
import { findCondition } from '../../runtime/index.ts';
import { ANNOTATIONS, readPublished } from './published.ts';
import { decideAccount } from './decide.ts';
import { statusAfterError } from './failure.ts';
import { KubeError, type KubeErrorKind } from '../../kube/index.ts';
import { RelayProblem } from './proof.ts';
import { account, at, credentials, HOUR, NOW, secretFor, snapshot, type World } from './testing/world.ts';

const decide = (world: World) => decideAccount(snapshot(world), NOW);

describe('conditions', () => {
  const plan = effectivePlan([], '10k');
  const planned: World = {
    relay: { workspace: workspaceConfig('team', plan) },
    more: { plan: { plan, rank: 0, isServed: true } },
  };
  test.each<[string, string, string, World]>([
    ['RelaySynced', 'True', 'Applied', {}],
    ['LoginVerified', 'True', 'Proven', {}],
    ['SecretReady', 'True', 'Published', {}],
    ['SendersVerified', 'True', 'DomainsVerified', {}],
    ['SendersVerified', 'False', 'DomainNotVerified', { spec: { allowedSenders: ['*@other.example'] } }],
    ['SendersVerified', 'False', 'DomainNotVerified', { relay: { domains: [] } }],
    ['PlanAccepted', 'True', 'Unlimited', {}],
    ['PlanAccepted', 'True', 'WithinPlan', planned],
    ['PreviousRetired', 'False', 'OldPasswordAccepted', { more: { undead: 'pod x accepts it' } }],
    ['Ready', 'Unknown', 'Rotating', { spec: { rotation: { revision: 3 } } }],
    ['Ready', 'Unknown', 'RelayOutOfStep', { relay: { acknowledged: 'late', latePods: ['p'] } }],
    ['LoginVerified', 'Unknown', 'Pending', { secret: 'foreign', matched: -1 }],
  ])('%s is %s for the reason %s', (type, status, reason, world) => {
    const found = findCondition(decide(world).status?.conditions, type);
    expect([found?.status, found?.reason]).toEqual([status, reason]);
  });
});

describe('after a step that failed', () => {
  const told = (error: Error, world: World = {}, isReady = false) => {
    const one = snapshot(world);
    if (isReady) one.account!.status = { ...decide({}).status, observedGeneration: 4 };
    const status = statusAfterError(one, error, undefined, NOW);
    return status?.conditions
      ?.filter(({ type }) => ['Ready', 'LoginVerified'].includes(type))
      .map(({ type, status, reason }) => `${type}=${status} ${reason}`);
  };
  const apiError = (kind: KubeErrorKind): KubeError => new KubeError('no', { kind, status: 0, reason: 'x' });

  test('a pod that refuses the password it acknowledged is a fault', () => {
    expect(told(new RelayProblem('LoginRefused', 'pod x refuses'))).toEqual([
      'Ready=False LoginRefused',
      'LoginVerified=False LoginRefused',
    ]);
  });

  test('a relay that cannot be asked is waited for', () => {
    expect(told(new RelayProblem('RelayOutOfStep', 'not asked'))?.[0]).toBe('Ready=Unknown RelayOutOfStep');
  });

  test('what is published goes on working while the API server does not, and not without a right', () => {
    expect(told(apiError('Temporary'), {}, true)).toBeUndefined();
    expect(told(apiError('Permanent'), {}, true)?.[0]).toBe('Ready=Unknown ApiError');
    expect(told(apiError('Temporary'))?.[0]).toBe('Ready=Unknown ApiError');
  });
});

describe('a suspended account', () => {
  const conditionsOf = (world: World) =>
    ['RelaySynced', 'LoginVerified', 'SecretReady'].map(
      (type) => findCondition(decide(world).status?.conditions, type)?.status,
    );

  test.each<[string, World]>([
    ['whose rotation is overdue', { spec: { suspended: true, rotation: { interval: '30m' } } }],
    [
      'whose earlier password has ended, with a Secret that was edited',
      {
        spec: { suspended: true },
        secret: { previous: [{ id: 'r2-b', revision: 2, validUntil: at(-HOUR) }] },
        matched: -1,
      },
    ],
  ])('%s is looked at no more often than others', (_, world) => {
    const decision = decide({ ...world, isSuspended: true });
    expect([decision.rule, (decision.requeueAfterMs ?? 0) > 1_000]).toEqual(['Steady', true]);
  });

  test('says of relay and Secret what is there', () => {
    const spec = { suspended: true };
    expect(conditionsOf({ spec, isSuspended: true })).toEqual(['True', 'False', 'True']);
    expect(conditionsOf({ spec, secret: 'absent', verifiers: 'unknown' })).toEqual([
      'Unknown',
      'False',
      'Unknown',
    ]);
  });
});

test.each([
  [0, 100],
  [20_000, 2_000],
  [HOUR, 15_000],
])(
  '%s ms after its creation an account looks after %s ms whether a former Secret has gone',
  (ageMs, delayMs) => {
    const one = snapshot({ more: { isInherited: false } });
    one.account!.metadata.creationTimestamp = at(-ageMs);
    expect(decideAccount(one, NOW)).toMatchObject({ rule: 'SecretBeingDeleted', requeueAfterMs: delayMs });
  },
);

describe('the Secret that status names', () => {
  const binding = { name: 'former' };
  const toldCredentials = { revision: 3, issuedAt: at(0), answered: { rotation: 2, reset: 1 } };
  const told = (world: World) => {
    const one = snapshot(world);
    one.account!.status = { username: 'smtpuser_00000001', binding, credentials: toldCredentials };
    return decideAccount(one, NOW).status;
  };
  test.each<[string, World, boolean]>([
    ['is told while the relay is away', { secret: 'absent', more: { relay: undefined } }, true],
    [
      'is told while the spec is wrong',
      { secret: 'absent', more: { relay: undefined, problems: [{ field: 'f', message: 'm' }] } },
      true,
    ],
    ['is told while the new name is taken', { secret: 'foreign', matched: -1 }, true],
    ['is not told when nothing is there', { secret: 'absent', verifiers: 'unknown' }, false],
  ])('%s', (_, world, isTold) => {
    const status = told(world);
    expect([status?.binding, status?.credentials]).toEqual(
      isTold ? [binding, toldCredentials] : [undefined, undefined],
    );
  });
});

describe('a Secret whose annotations were edited', () => {
  const edited = (name: keyof typeof ANNOTATIONS, text: string, matched = 0) => {
    const world = { secret: { previous: [{ id: 'r3-c', revision: 2, validUntil: at(HOUR) }] } };
    const secret = secretFor(account(), snapshot().relay!, world.secret)!;
    secret.metadata.annotations![ANNOTATIONS[name]] = text;
    return snapshot({ matched, more: { secret: readPublished(account(), secret) } });
  };
  test.each<[keyof typeof ANNOTATIONS, string]>([
    ['previous', '{}'],
    ['previous', '[null]'],
    ['previous', JSON.stringify([{ id: 'r3-c', revision: 1, validUntil: 'soon', waits: true }])],
    ['answered', '"none"'],
    ['answered', '{"rotation":"x"}'],
    ['issuedAt', 'yesterday'],
    ['revision', 'Infinity'],
    ['owned', '{"data":5}'],
  ])('%s: %s is repaired', (name, text) => {
    const decision = decideAccount(edited(name, text), NOW);
    expect(decision.rule).toBe('SecretDiffers');
    const [action] = decision.actions;
    const patch = action?.do === 'patch' ? action.patch : undefined;
    expect(patch).toMatchObject({
      metadata: { annotations: { [ANNOTATIONS[name]]: expect.anything() as unknown } },
    });
    expect(decision.status?.credentials?.revision).toEqual(name === 'revision' ? 0 : credentials.revision);
  });

  test('never makes a delay that is no number', () => {
    const text = JSON.stringify([{ id: 'r3-c', revision: 1, validUntil: 'soon', waits: true }]);
    const one = edited('previous', text, -1);
    one.account!.spec.suspended = true;
    one.relay!.entry = { ...one.relay!.entry!, suspended: true };
    expect(decideAccount(one, NOW).requeueAfterMs).toBeGreaterThan(1_000);
  });
});
