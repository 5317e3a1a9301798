import { describe, expect, test } from '@jest/globals';
import { API_VERSION, type SmtpAccount } from '../../api/index.ts';
import type { Workload } from '../../kube/index.ts';
import { endAfter, endsFromPublication } from './entry.ts';
import { ANNOTATIONS, type Published } from './published.ts';
import {
  followRollouts,
  rolloutCondition,
  rolloutState,
  type RestartTarget,
  type Rollout,
} from './rollout.ts';

const NOW = new Date('2026-06-01T12:00:00Z');
const SINCE = '2026-06-01T11:59:00Z';
const HOUR = 3_600_000;
const pending = { revision: 3, since: SINCE };

const workload = (status: Workload['status'], spec: Workload['spec'] = {}): Workload => ({
  metadata: { name: 'web', namespace: 'team', generation: 2 },
  spec: {
    replicas: 3,
    ...spec,
    template: { metadata: { annotations: { [ANNOTATIONS.revision]: '3' } } },
  },
  status: { observedGeneration: 2, ...status },
});
const target = (kind: RestartTarget['kind']): RestartTarget => ({ kind, name: 'web' });
const full = { replicas: 3, updatedReplicas: 3, availableReplicas: 3, readyReplicas: 3 };

describe('where a workload stands', () => {
  test.each<[string, RestartTarget['kind'], Workload | undefined, string]>([
    ['is missing', 'Deployment', undefined, 'missing'],
    ['is due without our annotation', 'Deployment', { metadata: { name: 'web' }, spec: {} }, 'due'],
    [
      'rolls until its controller has seen the change',
      'Deployment',
      workload({ ...full, observedGeneration: 1 }),
      'rolling',
    ],
    ['rolls while pods are old', 'Deployment', workload({ ...full, updatedReplicas: 1 }), 'rolling'],
    ['rolls while old pods end', 'Deployment', workload({ ...full, replicas: 4 }), 'rolling'],
    [
      'rolls while new pods are not available',
      'Deployment',
      workload({ ...full, availableReplicas: 2 }),
      'rolling',
    ],
    ['rolls while it is paused', 'Deployment', workload(full, { paused: true }), 'rolling'],
    ['is done', 'Deployment', workload(full), 'done'],
    ['is done with no pods', 'Deployment', workload({}, { replicas: 0 }), 'done'],
    [
      'is stuck past its deadline',
      'Deployment',
      workload({
        ...full,
        updatedReplicas: 1,
        conditions: [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }],
      }),
      'stuck',
    ],
    [
      'StatefulSet rolls',
      'StatefulSet',
      workload({ ...full, updatedReplicas: 2, currentRevision: 'a', updateRevision: 'b' }),
      'rolling',
    ],
    [
      'StatefulSet waits for ready pods',
      'StatefulSet',
      workload({ readyReplicas: 2, currentRevision: 'b', updateRevision: 'b' }),
      'rolling',
    ],
    [
      'StatefulSet is done',
      'StatefulSet',
      workload({ readyReplicas: 3, currentRevision: 'b', updateRevision: 'b' }),
      'done',
    ],
    [
      'DaemonSet rolls',
      'DaemonSet',
      workload({ desiredNumberScheduled: 2, updatedNumberScheduled: 1, numberAvailable: 2 }),
      'rolling',
    ],
    [
      'DaemonSet waits for available pods',
      'DaemonSet',
      workload({ desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 1 }),
      'rolling',
    ],
    [
      'DaemonSet is done',
      'DaemonSet',
      workload({ desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 2 }),
      'done',
    ],
  ])('%s', (_, kind, object, expected) => {
    expect(rolloutState(target(kind), object, pending, NOW).is).toBe(expected);
  });

  test('a rollout without a deadline of its own is stuck after a quarter of an hour', () => {
    const later = new Date(Date.parse(SINCE) + 16 * 60_000);
    const rolling = workload({ desiredNumberScheduled: 2, updatedNumberScheduled: 1 });
    expect(rolloutState(target('DaemonSet'), rolling, pending, later)).toMatchObject({
      is: 'stuck',
      said: expect.stringContaining('1 of 2 pods are updated'),
    });
  });
});

describe('earlier passwords', () => {
  const end = '2026-06-01T12:30:00Z';
  const published = (more: Partial<Published>): Published =>
    ({
      rollout: pending,
      previous: [
        { id: 'r2-b', revision: 2, validUntil: end, waits: true },
        { id: 'r1-a', revision: 1, validUntil: end },
      ],
      ...more,
    }) as unknown as Published;
  const rollout = (is: 'rolling' | 'stuck' | 'done'): Rollout => ({
    target: target('Deployment'),
    state: is === 'done' ? { is } : { is, said: '' },
  });

  test('their overlap begins when the last workload is done', () => {
    const { rollout: rest, previous } = followRollouts(published({}), [rollout('done')], HOUR, NOW);
    expect(rest).toBeUndefined();
    expect(previous).toEqual([
      { id: 'r2-b', revision: 2, validUntil: '2026-06-01T13:00:00Z' },
      { id: 'r1-a', revision: 1, validUntil: end },
    ]);
  });

  test('nothing moves while one is on its way and the end is far', () => {
    const before = published({});
    const { rollout: rest, previous } = followRollouts(
      before,
      [rollout('done'), rollout('rolling')],
      HOUR,
      NOW,
    );
    expect(rest).toBe(pending);
    expect(previous).toEqual(before.previous);
  });

  test('a stuck one puts the end off, an overlap at a time', () => {
    const late = new Date('2026-06-01T12:30:00Z');
    const { previous } = followRollouts(published({}), [rollout('stuck')], HOUR, late);
    expect(previous[0]).toEqual({ id: 'r2-b', revision: 2, validUntil: '2026-06-01T13:30:00Z', waits: true });
  });
});

describe('ends', () => {
  const one = { metadata: {}, spec: { rotation: { overlap: '1s' } } } as unknown as SmtpAccount;
  const entry = (id: string, validUntil: string) => ({ id, revision: 1, validUntil });

  test('the overlap of the password that is replaced runs from the publication, in whole seconds upwards', () => {
    const publishedAt = new Date('2026-06-01T12:00:07.400Z');
    const previous = [entry('r2-b', '2026-06-01T12:00:01Z'), entry('r1-a', '2026-06-01T12:00:09Z')];
    expect(endsFromPublication(one, previous, [entry('r1-a', '2026-06-01T12:00:09Z')], publishedAt)).toEqual([
      entry('r2-b', '2026-06-01T12:00:09Z'),
      entry('r1-a', '2026-06-01T12:00:09Z'),
    ]);
    expect(endAfter(1_000, new Date('2026-06-01T12:00:07Z'))).toBe('2026-06-01T12:00:08Z');
  });
});

describe('the condition', () => {
  const account = (targets: RestartTarget[]): SmtpAccount => ({
    apiVersion: API_VERSION,
    kind: 'SmtpAccount',
    metadata: { name: 'app', namespace: 'team' },
    spec: { rolloutTargets: targets },
  });
  test.each<[string, RestartTarget[], Rollout['state'][], [string, string, RegExp][]]>([
    ['is absent without targets', [], [], []],
    ['is True when nothing follows', [target('Deployment')], [], [['True', 'RolledOut', /./]]],
    [
      'is Unknown on the way',
      [target('Deployment')],
      [{ is: 'rolling', said: '1 of 3 pods are updated' }],
      [['Unknown', 'RollingOut', /Deployment web: 1 of 3 pods are updated/]],
    ],
    [
      'is False when one is stuck, and names it',
      [target('StatefulSet')],
      [{ is: 'stuck', said: '0 of 3 pods are updated' }],
      [['False', 'RolloutStuck', /StatefulSet web: 0 of 3/]],
    ],
    [
      'is False when one is not there',
      [target('DaemonSet')],
      [{ is: 'missing' }],
      [['False', 'RolloutTargetMissing', /DaemonSet web: is not there/]],
    ],
  ])('%s', (_, targets, states, expected) => {
    const rollouts = states.map((state) => ({ target: targets[0]!, state }));
    const found = rolloutCondition(account(targets), rollouts);
    expect(found.map(({ status, reason, message }) => [status, reason, message])).toEqual(
      expected.map(([status, reason, words]) => [status, reason, expect.stringMatching(words)]),
    );
  });
});
