import { describe, expect, test } from '@jest/globals';
import { olderSibling, owningClaim, type Claim } from './claims.ts';
import { chooseKeys, makeDkimKey, RETIRE_AFTER_MS } from './dkim-keys.ts';
import { readLedger, ledgerSecret, type DkimKeyEntry, type Proof } from './ledger.ts';
import { afterFinding } from './proof.ts';
import { dkimText, requiredRecords } from './records.ts';
import { nextCheckMs } from './schedule.ts';
import type { SmtpRelay } from '../../api/index.ts';

const NOW = new Date('2026-06-01T12:00:00Z');
const ago = (ms: number): Date => new Date(NOW.getTime() - ms);
const HOUR = 3_600_000;

describe('a record that was seen', () => {
  const grace = { checks: 3, periodMs: 2 * HOUR };
  const since = ago(100 * HOUR).toISOString();
  const failing = (failures: number, hours: number) => ({
    since,
    failures,
    failingSince: ago(hours * HOUR).toISOString(),
  });
  const now = NOW.toISOString();
  test.each([
    ['is seen for the first time: it counts from now', undefined, 'valid', { since: now, failures: 0 }],
    ['was never seen and is missing: nothing', undefined, 'missing', undefined],
    ['is seen again: failures are forgotten', failing(2, 9), 'valid', { since, failures: 0 }],
    ['cannot be looked up: it stays as it was', failing(2, 9), 'unknown', failing(2, 9)],
    [
      'is missing once: it counts on, and the failure is noted',
      { since, failures: 0 },
      'missing',
      { since, failures: 1, failingSince: now },
    ],
    ['fails often, within a short time: it counts on', failing(9, 1), 'wrong', failing(3, 1)],
    ['fails for long, but seldom: it counts on', failing(1, 9), 'missing', failing(2, 9)],
    ['fails often and for long: it is lost', failing(2, 2), 'missing', undefined],
  ] as const)('%s', (_title, streak, verdict, expected) => {
    expect(afterFinding(streak, { verdict }, grace, NOW)).toEqual(expected);
  });
});

describe('several claims to one domain', () => {
  const claim = (key: string, created: number, proven: number | undefined): Claim => ({
    key,
    namespace: key.split('/')[0]!,
    createdAt: ago(created * HOUR).toISOString(),
    provenSince: proven === undefined ? undefined : ago(proven * HOUR).toISOString(),
  });
  test.each([
    [
      'nobody has proven it: nobody owns it',
      [claim('a/x', 9, undefined), claim('b/x', 1, undefined)],
      undefined,
    ],
    ['who has proven it owns it, however late', [claim('a/x', 9, undefined), claim('b/x', 1, 0)], 'b/x'],
    ['who proved it first owns it, though declared later', [claim('a/x', 9, 1), claim('b/x', 5, 3)], 'b/x'],
    ['proven at once: who declared it first', [claim('a/x', 1, 1), claim('b/x', 5, 1)], 'b/x'],
    ['all alike: by name', [claim('b/x', 1, 1), claim('a/x', 1, 1)], 'a/x'],
  ])('%s', (_title, claims, owner) => {
    expect(owningClaim(claims)?.key).toBe(owner);
  });

  test('of two in one namespace only the older is looked at', () => {
    const [old, young] = [claim('a/old', 9, undefined), claim('a/young', 1, 1)];
    expect(olderSibling(young, [old])?.key).toBe('a/old');
    expect(olderSibling(old, [young])).toBeUndefined();
    expect(olderSibling(young, [claim('b/older', 99, 9)])).toBeUndefined();
  });
});

describe('the next check', () => {
  const base = {
    now: NOW,
    awaitedSince: undefined,
    hasWarnings: false,
    hasUnknowns: false,
    inGrace: false,
    recheckMs: HOUR,
    grace: { checks: 5, periodMs: 24 * HOUR },
  };
  test.each([
    ['all is right: the recheck interval', {}, HOUR],
    ['awaited just now: a second', { awaitedSince: NOW }, 1000],
    ['awaited for 8 s: 2 s', { awaitedSince: ago(8000) }, 2000],
    ['awaited for a day: a minute', { awaitedSince: ago(24 * HOUR) }, 60_000],
    ['a warning: five minutes', { hasWarnings: true }, 300_000],
    ['a lookup failed: half a minute', { hasUnknowns: true }, 30_000],
    [
      'within grace, rarely checked: often enough to count',
      { inGrace: true, recheckMs: 99 * HOUR },
      4.8 * HOUR,
    ],
    ['an interval of nothing: a second', { recheckMs: 0 }, 1000],
  ])('%s', (_title, change, expected) => {
    expect(nextCheckMs({ ...base, ...change })).toBe(expected);
  });
});

describe('DKIM keys', () => {
  const key = (selector: string, keyType: DkimKeyEntry['keyType'] = 'RSA2048'): DkimKeyEntry => ({
    selector,
    keyType,
    privateKeyPem: '',
    publicKey: '',
    createdAt: '',
  });
  const shown = (...selectors: [string, number][]): Proof => ({
    uid: 'u',
    dkim: Object.fromEntries(
      selectors.map(([selector, ms]) => [selector, { since: ago(ms).toISOString(), failures: 0 }]),
    ),
  });
  const spec = (dkim: object) => ({ domain: 'example.com', dkim });
  const weekly = spec({ rotationInterval: '168h' });
  const week = 168 * HOUR;
  test.each([
    ['none yet: one is made', spec({}), [], undefined, { missing: 'RSA2048', listed: [], signing: [] }],
    ['not in DNS: listed, does not sign', spec({}), [key('a')], undefined, { listed: ['a'], signing: [] }],
    ['in DNS: signs', spec({}), [key('a')], shown(['a', 1]), { listed: ['a'], signing: ['a'] }],
    [
      'Both wanted, one there: the other is made',
      spec({ keyType: 'Both' }),
      [key('a')],
      shown(['a', 1]),
      { missing: 'Ed25519', listed: ['a'], signing: ['a'] },
    ],
    [
      'Both, both in DNS: both sign',
      spec({ keyType: 'Both' }),
      [key('a'), key('e', 'Ed25519')],
      shown(['a', 1], ['e', 1]),
      { listed: ['a', 'e'], signing: ['a', 'e'] },
    ],
    [
      'another type is wanted and not in DNS yet: the old one signs on',
      spec({ keyType: 'Ed25519' }),
      [key('a'), key('e', 'Ed25519')],
      shown(['a', 1]),
      { listed: ['e'], signing: ['a'] },
    ],
    ['rotation not due', weekly, [key('a')], shown(['a', week - 1]), { listed: ['a'], signing: ['a'] }],
    [
      'rotation due: the next is made',
      weekly,
      [key('a')],
      shown(['a', week]),
      { missing: 'RSA2048', listed: ['a'], signing: ['a'] },
    ],
    [
      'rotation of a key that DNS never showed: none',
      weekly,
      [key('a')],
      undefined,
      { listed: ['a'], signing: [] },
    ],
    [
      'the next is not in DNS: the old one signs',
      weekly,
      [key('a'), key('b')],
      shown(['a', 9 * week]),
      { listed: ['a', 'b'], signing: ['a'] },
    ],
    [
      'the next is in DNS: it signs, the old record stays listed',
      weekly,
      [key('a'), key('b')],
      shown(['a', 9 * week], ['b', 1]),
      { listed: ['a', 'b'], signing: ['b'] },
    ],
    [
      'the queue cannot hold mail of the old key any more: it is dropped',
      weekly,
      [key('a'), key('b')],
      shown(['a', 9 * week], ['b', RETIRE_AFTER_MS]),
      { listed: ['a', 'b'], signing: ['b'], retired: 'a' },
    ],
  ])('%s', (_title, spec, keys, proof, expected) => {
    const choice = chooseKeys(spec, keys, proof, NOW);
    expect({
      listed: Object.values(choice.listed).map(({ selector }) => selector),
      signing: choice.signing.map(({ selector }) => selector),
      missing: choice.missing,
      retired: choice.retired,
    }).toEqual({ missing: undefined, retired: undefined, ...expected });
  });

  test('spec.dkim.selectorPrefix begins the selector', async () => {
    expect((await makeDkimKey('Ed25519', 'shop', NOW)).selector).toMatch(/^shop-[0-9a-f]{8}$/);
  });

  test('an RSA key is published whole, an Ed25519 key as its 32 bytes; selectors differ', async () => {
    const [rsa, ed] = await Promise.all([
      makeDkimKey('RSA2048', 'migo', NOW),
      makeDkimKey('Ed25519', 'migo', NOW),
    ]);
    expect(dkimText(rsa)).toMatch(/^v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A[A-Za-z0-9+/]+={0,2}$/);
    expect(Buffer.from(ed.publicKey, 'base64')).toHaveLength(32);
    expect(rsa.selector).toMatch(/^migo-[0-9a-f]{8}$/);
    expect(rsa.selector).not.toBe(ed.selector);
  });
});

describe('records', () => {
  const needs = {
    spec: { domain: 'example.com' },
    domain: 'example.com',
    namespace: 'shop',
    relayAddress: 'mail.example.net',
    hasBounces: false,
    keys: {},
  };
  const ownership = (change: object): string =>
    requiredRecords({ ...needs, ...change }).find(({ slot }) => slot === 'ownership')!.value;

  test('the same declaration asks for the same record, another namespace, relay or domain for another', () => {
    expect(ownership({})).toBe(ownership({ keys: {} }));
    expect(ownership({})).toMatch(/^migosmtp-verification=[0-9a-f]{40}$/);
    const all = [{}, { namespace: 'x' }, { relayAddress: 'x' }, { domain: 'x' }].map(ownership);
    expect(new Set(all).size).toBe(4);
  });

  test('the return path is asked for only while the relay takes bounces; ignored records are listed unchecked', () => {
    const spec = { domain: 'example.com', spf: 'Ignore' as const };
    const records = requiredRecords({ ...needs, spec, hasBounces: true });
    expect(records.map(({ slot, type, name, isChecked }) => [slot, type, name, isChecked])).toEqual([
      ['ownership', 'TXT', '_migosmtp.example.com', true],
      ['spf', 'TXT', 'example.com', false],
      ['dmarc', 'TXT', '_dmarc.example.com', true],
      ['returnPath', 'MX', 'bounces.example.com', true],
      ['returnPathSpf', 'TXT', 'bounces.example.com', false],
    ]);
    expect(requiredRecords(needs).map(({ slot }) => slot)).not.toContain('returnPath');
  });
});

describe('the ledger', () => {
  const relay = (deletionPolicy: 'Retain' | 'Delete'): SmtpRelay => ({
    apiVersion: '',
    kind: 'SmtpRelay',
    metadata: { name: 'main', namespace: 'mail', uid: 'r' },
    spec: { delivery: { direct: {} }, deletionPolicy },
  });
  const claim = { namespace: 'shop', domain: 'example.com' };
  const content = {
    keys: [{ selector: 's', keyType: 'Ed25519', privateKeyPem: 'PEM', publicKey: 'p', createdAt: 'now' }],
    proof: { uid: 'u', dkim: {} },
    resourceVersion: undefined,
  } as const;

  test('reads what it wrote; goes with the relay only when the relay says so', () => {
    const kept = ledgerSecret(relay('Retain'), claim, content, {});
    expect(readLedger(kept)).toEqual({ ...content, isOwned: false });
    expect(readLedger(ledgerSecret(relay('Delete'), claim, content, {})).isOwned).toBe(true);
    expect(kept.metadata.name).toMatch(/^main-domain-[0-9a-f]{12}$/);
  });

  test.each([
    ['no keys', {}],
    ['no JSON', { 'keys.json': 'bm9wZQ==' }],
    ['another form', { 'keys.json': Buffer.from('{"a":1}').toString('base64') }],
  ])('with %s it is refused, never replaced, and its content is not quoted', (_title, data) => {
    const read = (): unknown => readLedger({ metadata: { name: 'l', namespace: 'mail' }, data });
    expect(read).toThrow('Secret mail/l is no ledger of a domain: restore it, or delete it to get new keys');
  });
});
