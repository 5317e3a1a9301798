/** What accounts are told that are suspended, refused, or whose Secret somebody has edited. */
import { describe, expect, test } from '@jest/globals';
import { findCondition } from '../../runtime/index.ts';
import { ANNOTATIONS, readPublished } from './published.ts';
import { decideAccount } from './decide.ts';
import { account, at, credentials, HOUR, NOW, secretFor, snapshot, type World } from './testing/world.ts';

const decide = (world: World) => decideAccount(snapshot(world), NOW);

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
