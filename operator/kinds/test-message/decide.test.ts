import { describe, expect, test } from '@jest/globals';
import type { Condition, SmtpAccount, TestMessage, relayApi } from '../../api/index.ts';
import { decide } from './decide.ts';
import type { Attempt, Snapshot } from './snapshot.ts';
import type { SendOutcome } from './send.ts';

const NOW = new Date('2026-06-01T12:00:00Z');
const ago = (ms: number): Date => new Date(NOW.getTime() - ms);
const ID = '<test.u@relay.example.net>';

const message = (status?: TestMessage['status'], generation = 1): TestMessage => ({
  apiVersion: '',
  kind: 'TestMessage',
  metadata: {
    name: 't',
    namespace: 'shop',
    uid: 'u',
    generation,
    creationTimestamp: ago(8000).toISOString(),
  },
  spec: { accountRef: { name: 'app' }, to: 'a@example.com' },
  ...(status && { status }),
});
const ready: Condition = {
  type: 'Ready',
  status: 'True',
  reason: 'LoginProven',
  message: '',
  observedGeneration: 1,
  lastTransitionTime: '',
};
const account = (condition: Condition = ready): SmtpAccount => ({
  apiVersion: '',
  kind: 'SmtpAccount',
  metadata: { name: 'app', namespace: 'shop' },
  spec: {},
  status: { conditions: [condition] },
});
const base: Snapshot = {
  message: message(),
  problems: [],
  account: account(),
  relayHost: 'relay.example.net',
  nextHop: 'direct',
  from: 'noreply@example.com',
  lookup: { kind: 'unasked' },
  attempt: undefined,
};
const pending = message({ phase: 'Pending', messageId: ID });
const sent = message({ phase: 'Sent', messageId: ID, response: '250 queued' });
const tried = (outcome: SendOutcome, count = 1, msAgo = 0): Attempt => ({ outcome, count, at: ago(msAgo) });
const report = (status: relayApi.DeliveryStatus, response: string | null = null): Snapshot['lookup'] => ({
  kind: 'found',
  report: {
    queueId: 'q1',
    messageId: ID,
    namespace: 'shop',
    account: 'app',
    username: 'smtpuser_1',
    verifier: 'r1',
    envelopeFrom: '',
    recipient: 'a@example.com',
    size: 1,
    status,
    attempts: 1,
    response,
    remoteHost: 'mx.example.com',
    acceptedAt: NOW.toISOString(),
    updatedAt: NOW.toISOString(),
    deliveredAt: status === 'delivered' ? NOW.toISOString() : null,
  },
});
const temporary: SendOutcome = { kind: 'refused', isPermanent: false, response: '451 4.7.1 later' };
const permanent: SendOutcome = { kind: 'refused', isPermanent: true, response: '550 5.7.1 no' };

describe('a test message', () => {
  test.each<[string, Partial<Snapshot>, string, string | undefined, string]>([
    ['is sent when all is there', {}, 'Send', 'Pending', 'Sending'],
    ['waits for its account', { account: undefined }, 'AccountMissing', 'Pending', 'AccountNotFound'],
    [
      'waits until its account is Ready',
      { account: account({ ...ready, status: 'Unknown' }) },
      'AccountMissing',
      'Pending',
      'AccountNotReady',
    ],
    [
      'waits for a pod of the relay',
      { relayHost: undefined },
      'RelayUnavailable',
      'Pending',
      'RelayUnavailable',
    ],
    ['waits for a sender address', { from: undefined }, 'SenderMissing', 'Pending', 'NoSender'],
    [
      'fails with a broken spec',
      { problems: [{ field: 'spec.to', message: 'bad' }] },
      'InvalidSpec',
      'Failed',
      'InvalidSpec',
    ],
    [
      'is Sent once the relay said 250',
      {
        message: pending,
        attempt: tried({ kind: 'accepted', response: '250 ok' }),
        lookup: { kind: 'none' },
      },
      'Accepted',
      'Sent',
      'Sent',
    ],
    [
      'fails when the relay refuses it',
      { message: pending, attempt: tried(permanent), lookup: { kind: 'none' } },
      'Refused',
      'Failed',
      'Refused',
    ],
    [
      'is tried again after a refusal for now',
      { message: pending, attempt: tried(temporary, 1, 500), lookup: { kind: 'none' } },
      'Waiting',
      'Pending',
      'Retrying',
    ],
    [
      'is sent again when the pause is over',
      { message: pending, attempt: tried(temporary, 1, 1000), lookup: { kind: 'none' } },
      'Send',
      'Pending',
      'Sending',
    ],
    [
      'fails when refusals do not end',
      { message: pending, attempt: tried(temporary, 10), lookup: { kind: 'none' } },
      'Refused',
      'Failed',
      'Refused',
    ],
    [
      'is not sent again when a restarted operator finds it in the reports',
      { message: pending, lookup: report('queued') },
      'Followed',
      'Sent',
      'Sent',
    ],
    [
      'is sent when a restarted operator finds no report of it',
      { message: pending, lookup: { kind: 'none' } },
      'Send',
      'Pending',
      'Sending',
    ],
    [
      'waits when a restarted operator cannot ask the relay',
      { message: pending, lookup: { kind: 'unavailable' } },
      'Unreported',
      'Pending',
      'RelayUnavailable',
    ],
    [
      'whose fate is unknown is looked for before it is sent again',
      {
        message: pending,
        attempt: tried({ kind: 'unknown', detail: 'gone' }, 1, 4000),
        lookup: { kind: 'none' },
      },
      'Waiting',
      'Pending',
      'Retrying',
    ],
    [
      'whose fate is unknown is sent again when the relay does not know it',
      {
        message: pending,
        attempt: tried({ kind: 'unknown', detail: 'gone' }, 1, 5000),
        lookup: { kind: 'none' },
      },
      'Send',
      'Pending',
      'Sending',
    ],
    [
      'whose fate is unknown was taken after all',
      { message: pending, attempt: tried({ kind: 'unknown', detail: 'gone' }), lookup: report('delivered') },
      'Followed',
      'Delivered',
      'Delivered',
    ],
    [
      'is followed while it is queued',
      { message: sent, lookup: report('queued') },
      'Followed',
      'Sent',
      'Sent',
    ],
    [
      'is followed while it is put off',
      { message: sent, lookup: report('deferred', '451 later') },
      'Followed',
      'Sent',
      'Deferred',
    ],
    ['is followed while it is held', { message: sent, lookup: report('held') }, 'Followed', 'Sent', 'Held'],
    [
      'ends when it is delivered',
      { message: sent, lookup: report('delivered') },
      'Followed',
      'Delivered',
      'Delivered',
    ],
    [
      'ends when it bounces',
      { message: sent, lookup: report('bounced', '550 no such user') },
      'Followed',
      'Failed',
      'Bounced',
    ],
    [
      'ends when its recipient is suppressed',
      { message: sent, lookup: report('suppressed') },
      'Followed',
      'Failed',
      'Suppressed',
    ],
    [
      'ends when it is cancelled',
      { message: sent, lookup: report('cancelled') },
      'Followed',
      'Failed',
      'Cancelled',
    ],
    [
      'is never sent again once the relay had it',
      { message: sent, lookup: { kind: 'none' } },
      'Unreported',
      'Sent',
      'NoReport',
    ],
    [
      'stays as it ended, also without its account',
      {
        message: message({ phase: 'Failed', conditions: [{ ...ready, status: 'False', reason: 'Refused' }] }),
        account: undefined,
      },
      'Settled',
      'Failed',
      'Refused',
    ],
    ['that is gone is left alone', { message: undefined }, 'Gone', undefined, ''],
  ])('%s', (_title, change, rule, phase, reason) => {
    const decision = decide({ ...base, ...change }, NOW);
    const found = decision.status?.conditions?.find(({ type }) => type === 'Ready');
    expect([decision.rule, decision.status?.phase, found?.reason ?? '']).toEqual([rule, phase, reason]);
    expect(decision.actions.length).toBe(rule === 'Send' ? 1 : 0);
    const isOver = phase === 'Delivered' || phase === 'Failed' || phase === undefined;
    expect(decision.requeueAfterMs === undefined).toBe(isOver || rule === 'Send');
  });

  test('has its Message-ID in status before it is sent, and keeps it', () => {
    const first = decide(base, NOW);
    expect([first.isStatusFirst, first.status?.messageId, first.actions]).toEqual([
      true,
      ID,
      [{ do: 'send', messageId: ID, from: 'noreply@example.com' }],
    ]);
    const moved = decide({ ...base, message: pending, relayHost: 'other', lookup: { kind: 'none' } }, NOW);
    expect(moved.status?.messageId).toBe(ID);
  });

  test('says that a smarthost is not the end', () => {
    const said = (nextHop: Snapshot['nextHop']): string | undefined =>
      decide({ ...base, nextHop, message: sent, lookup: report('delivered', '250 ok') }, NOW).status
        ?.conditions?.[0]?.message;
    expect(said('smarthost')).toBe(
      'accepted by the smarthost mx.example.com: 250 ok; what it does with it is not known here',
    );
    expect(said('direct')).toBe('accepted by mx.example.com: 250 ok');
  });

  test('that was changed says that it cannot be, also after its end', () => {
    for (const changed of [
      message(undefined, 2),
      message({ phase: 'Delivered', conditions: [{ ...ready, type: 'Stalled', status: 'False' }] }, 2),
    ]) {
      const stalled = decide({ ...base, message: changed }, NOW).status?.conditions?.find(
        ({ type }) => type === 'Stalled',
      );
      expect([stalled?.status, stalled?.reason]).toEqual(['True', 'ImmutableField']);
    }
  });
});
