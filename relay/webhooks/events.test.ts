import { describe, expect, it } from '@jest/globals';
import type { relayApi } from '@migosmtp/operator/api';
import { Calendar, chargeScopes } from '../policy/index.ts';
import type { RecipientOutcome } from '../spool/index.ts';
import { limitEvents, type ReportChange, reportEvents } from './events.ts';
import { isAllowedUrl } from './post.ts';
import { GIVE_UP_MS, retryDelay, verdictOf } from './retry.ts';

const AT = Date.parse('2026-03-01T10:00:00Z');
const message = {
  queueId: 'Q1',
  messageId: '<m@x>',
  kind: 'submission' as const,
  accountId: 'a',
  namespace: 'shop',
  account: 'checkout',
  username: 'smtpuser_1',
  verifier: 'r1',
  envelopeFrom: 'hello@shop.example',
  signingDomain: '',
  headerSize: 10,
  size: 99,
  eightBit: false,
  smtpUtf8: false,
  acceptedAt: AT - 1_000,
};
const recipient = { id: 7, address: 'x@example.com', attempts: 2, expiresAt: AT };

function change(
  outcome: Partial<RecipientOutcome>,
  more: Partial<ReportChange['message']> = {},
): ReportChange {
  const base = { id: 7, response: '250 ok', remoteHost: 'mx', attempted: true };
  return {
    message: { ...message, ...more },
    recipient,
    outcome: { ...base, status: 'delivered', ...outcome },
    at: AT,
  };
}

const all: relayApi.WebhookEvent[] = ['Delivered', 'Deferred', 'Bounced', 'Suppressed', 'LimitReached'];
const webhooks = [
  { name: 'all', events: all },
  { name: 'failures', events: ['Bounced', 'Suppressed'] satisfies relayApi.WebhookEvent[] },
];

describe('report events', () => {
  it.each<[string, Partial<RecipientOutcome>, string, string[]]>([
    ['delivered', { status: 'delivered' }, 'message.delivered', ['all']],
    ['deferred', { status: 'deferred', nextAttemptAt: AT + 5 }, 'message.deferred', ['all']],
    ['bounced', { status: 'bounced' }, 'message.bounced', ['all', 'failures']],
    ['suppressed', { status: 'suppressed' }, 'message.suppressed', ['all', 'failures']],
  ])('%s goes to those who want it', (_, outcome, type, endpoints) => {
    const events = reportEvents(webhooks, change(outcome));
    expect(events.map(({ endpoint }) => endpoint)).toEqual(endpoints);
    expect(JSON.parse(events[0]?.body ?? '')).toMatchObject({
      type,
      timestamp: '2026-03-01T10:00:00.000Z',
      data: { queueId: 'Q1', recipient: 'x@example.com', attempts: 3, status: outcome.status },
    });
  });

  it('has one id for the same change, and another for another one', () => {
    const ids = [
      change({}),
      change({}),
      change({ status: 'bounced' }),
      { ...change({}), recipient: { ...recipient, attempts: 3 } },
    ].map((entry) => reportEvents(webhooks, entry)[0]?.id);
    expect(ids[0]).toBe(ids[1]);
    expect(new Set(ids).size).toBe(3);
  });

  it.each<[string, ReportChange]>([
    ['a bounce that the relay wrote', change({}, { kind: 'dsn' })],
    [
      'a message that was not tried because its next hop is down',
      change({ status: 'deferred', attempted: false }),
    ],
  ])('tells nothing of %s', (_, entry) => {
    expect(reportEvents(webhooks, entry)).toEqual([]);
  });
});

describe('limit events', () => {
  it('name scope, window and figures', () => {
    const account = {
      id: 'a',
      namespace: 'shop',
      name: 'checkout',
      username: 'u',
      verifiers: [],
      allowedSenders: [],
      limits: { perHour: 5, onWindowLimit: 'Queue' as const },
      suspended: false,
    };
    const [scope] = chargeScopes(account, undefined, { calendar: new Calendar(), nowMs: AT });
    const window = scope?.windows.find(({ kind }) => kind === 'hour');
    if (!scope || !window) throw new Error('an hour');
    const reached = { scope, window, limit: 5, used: 5, namespace: 'shop', account: 'checkout' };
    const [event, ...others] = limitEvents(webhooks, reached, AT);
    expect(others).toEqual([]);
    expect(JSON.parse(event?.body ?? '')).toMatchObject({
      type: 'limit.reached',
      data: { scope: 'account', account: 'checkout', window: 'hour', limit: 5, used: 5 },
    });
  });
});

describe('sending', () => {
  it.each([
    [200, 'taken'],
    [204, 'taken'],
    [301, 'failed'],
    [400, 'failed'],
    [410, 'refused'],
    [429, 'failed'],
    [500, 'failed'],
    [0, 'failed'],
  ])('status %i: %s', (status, verdict) => {
    expect(verdictOf(status)).toBe(verdict);
  });

  it('backs off with jitter, at most an hour and a quarter', () => {
    expect(retryDelay(1, 0)).toBe(3_750);
    expect(retryDelay(1, 0.999)).toBeGreaterThan(retryDelay(1, 0));
    expect(retryDelay(2, 0.5)).toBe(15_000);
    expect(retryDelay(500, 0.999)).toBeLessThan(GIVE_UP_MS / 19);
  });

  it.each([
    ['https://hooks.example.com/x?y=1', true],
    ['https://user:pw@hooks.example.com/', false],
    ['http://hooks.example.com/', false],
    ['http://crm/', true],
    ['http://crm.sales.svc:8080/hook', true],
    ['http://crm.sales.svc.cluster.local/hook', true],
    ['http://127.0.0.1:8080/', true],
    ['http://10.0.0.1/', false],
    ['ftp://crm/', false],
    ['nonsense', false],
  ])('%s allowed: %s', (url, expected) => {
    expect(isAllowedUrl(url)).toBe(expected);
  });
});
