import { describe, expect, test } from '@jest/globals';
import type { Condition, SmtpRelay, VerifiedDomain } from '../../api/index.ts';
import { caseOf, wantedEntry } from './case.ts';
import { decide } from './decide.ts';
import { statusAfterError } from './failure.ts';
import type { Finding } from './findings.ts';
import type { DkimKeyEntry, Proof } from './ledger.ts';
import type { RecordSlot } from './records.ts';
import type { Snapshot } from './snapshot.ts';

const NOW = new Date('2026-06-01T12:00:00Z');
const at = (secondsAgo: number): Date => new Date(NOW.getTime() - secondsAgo * 1000);
const key: DkimKeyEntry = {
  selector: 'migo-1',
  keyType: 'RSA2048',
  privateKeyPem: 'PEM',
  publicKey: 'AAAA',
  createdAt: '',
};
const relay: SmtpRelay = {
  apiVersion: '',
  kind: 'SmtpRelay',
  metadata: { name: 'main', namespace: 'mail', uid: 'r' },
  spec: { delivery: { direct: {} } },
};
const streak = { since: at(7200).toISOString(), failures: 0 };
const fading = { ...streak, failures: 1, failingSince: at(60).toISOString() };
const proven: Proof = {
  uid: 'u',
  ownership: streak,
  dkim: { 'migo-1': streak },
  readyAt: at(7200).toISOString(),
};
const { readyAt: _, ...neverReady } = proven;

const SLOTS: RecordSlot[] = ['ownership', 'spf', 'dkim', 'dmarc'];
const findings = (change: Partial<Record<RecordSlot, Finding['verdict']>> = {}): Finding[] =>
  SLOTS.map((slot) => {
    const verdict = change[slot] ?? 'valid';
    return { slot, verdict, ...(verdict === 'valid' ? {} : { problem: 'it is not' }) };
  });
const none = findings({ ownership: 'missing', spf: 'missing', dkim: 'missing', dmarc: 'missing' });

interface Given {
  spec?: Partial<VerifiedDomain['spec']>;
  status?: VerifiedDomain['status'];
  proof?: Proof;
  findings?: Finding[];
  /** Seconds since the check. */
  checked?: number;
  snapshot?: Partial<Snapshot>;
}

/** Everything as it should be, but for what is given. */
function snapshotOf(given: Given): Snapshot {
  const domain: VerifiedDomain = {
    apiVersion: '',
    kind: 'VerifiedDomain',
    metadata: {
      name: 'example',
      namespace: 'shop',
      uid: 'u',
      generation: 1,
      creationTimestamp: at(7200).toISOString(),
    },
    spec: { domain: 'example.com', ...given.spec },
    ...(given.status && { status: given.status }),
  };
  const draft: Snapshot = {
    key: 'shop/example',
    domain,
    isListed: true,
    problems: [],
    relay: { found: true, relay },
    relayAddress: 'mail.example.net',
    ledger: { keys: [key], proof: given.proof, resourceVersion: '1', isOwned: false },
    damage: undefined,
    rivals: [],
    check: undefined,
    since: at(7200),
    serving: { entry: undefined, pods: 'applied', isElsewhere: false },
    workspaces: ['shop'],
    grace: { checks: 5, periodMs: 86_400_000 },
    ...given.snapshot,
  };
  const { of } = caseOf(draft, domain, NOW);
  const check = given.findings && { at: at(given.checked ?? 0), findings: given.findings, of };
  const complete = { ...draft, check };
  const entry = wantedEntry(caseOf(complete, domain, NOW));
  return { ...complete, serving: { entry, pods: 'applied', isElsewhere: false, ...given.snapshot?.serving } };
}

const readyIs = (status: Condition['status'], reason = 'Verified'): Condition => ({
  type: 'Ready',
  status,
  reason,
  message: '',
  observedGeneration: 1,
  lastTransitionTime: at(7200).toISOString(),
});

describe('Ready', () => {
  test.each<[string, Given, string, string]>([
    ['everything is in DNS and on the relay', { proof: proven, findings: findings() }, 'True', 'Verified'],
    ['nothing is published', { findings: none }, 'Unknown', 'AwaitingDNS'],
    [
      'nothing is published, wrong values either',
      { findings: findings({ ownership: 'wrong', dkim: 'wrong' }) },
      'Unknown',
      'AwaitingDNS',
    ],
    [
      'DNS cannot be asked',
      { findings: findings({ ownership: 'unknown', dkim: 'unknown' }) },
      'Unknown',
      'DNSUnavailable',
    ],
    [
      'DMARC is missing and only warned about',
      { proof: proven, findings: findings({ dmarc: 'missing' }) },
      'True',
      'VerifiedWithWarnings',
    ],
    [
      'DMARC is missing and required',
      { proof: neverReady, findings: findings({ dmarc: 'missing' }), spec: { dmarc: 'Required' } },
      'Unknown',
      'AwaitingDNS',
    ],
    [
      'SPF is required, was right and is wrong now',
      { proof: proven, findings: findings({ spf: 'wrong' }), spec: { spf: 'Required' } },
      'False',
      'RecordsLost',
    ],
    [
      'SPF is required, was right and cannot be looked up',
      { proof: proven, findings: findings({ spf: 'unknown' }), spec: { spf: 'Required' } },
      'True',
      'Verified',
    ],
    [
      'DNS cannot be asked, and all was right before',
      {
        proof: proven,
        findings: findings({ ownership: 'unknown', dkim: 'unknown', spf: 'unknown', dmarc: 'unknown' }),
      },
      'True',
      'Verified',
    ],
    [
      'the ownership record is absent, within grace',
      { proof: { ...proven, ownership: fading }, findings: findings({ ownership: 'missing' }) },
      'True',
      'GracePeriod',
    ],
    [
      'the ownership record was lost',
      {
        proof: { ...proven, ownership: undefined },
        findings: findings({ ownership: 'missing' }),
      },
      'False',
      'OwnershipLost',
    ],
    [
      'another namespace proved it first',
      {
        proof: proven,
        findings: findings(),
        snapshot: {
          rivals: [{ key: 'b/x', namespace: 'b', createdAt: '', provenSince: at(9999).toISOString() }],
        },
      },
      'False',
      'ClaimedByAnother',
    ],
    [
      'another namespace proved it later',
      {
        proof: proven,
        findings: findings(),
        snapshot: {
          rivals: [{ key: 'b/x', namespace: 'b', createdAt: '', provenSince: at(9).toISOString() }],
        },
      },
      'True',
      'Verified',
    ],
    [
      'no pod of the relay is ready',
      {
        proof: proven,
        findings: findings(),
        snapshot: { serving: { entry: undefined, pods: 'none', isElsewhere: false } },
      },
      'Unknown',
      'RelayUnavailable',
    ],
    [
      'no pod of the relay is ready, and it was Ready before',
      {
        proof: proven,
        findings: findings(),
        status: { conditions: [readyIs('True')] },
        snapshot: { serving: { entry: undefined, pods: 'none', isElsewhere: false } },
      },
      'True',
      'Verified',
    ],
    [
      'a proof of an object of the same name that was deleted counts for nothing',
      { proof: { ...proven, uid: 'other' }, findings: none },
      'Unknown',
      'AwaitingDNS',
    ],
    [
      'the spec breaks a rule',
      { snapshot: { problems: [{ field: 'spec.x', message: 'is wrong' }] } },
      'False',
      'InvalidSpec',
    ],
    [
      'an older one in the namespace declares the domain',
      { snapshot: { rivals: [{ key: 'shop/a', namespace: 'shop', createdAt: '', provenSince: undefined }] } },
      'False',
      'DuplicateDomain',
    ],
    [
      'there is no relay',
      { snapshot: { relay: { found: false, reason: 'RelayNotFound', message: 'none' } } },
      'Unknown',
      'RelayNotFound',
    ],
    [
      'the relay does not admit the namespace',
      { snapshot: { relay: { found: false, reason: 'RelayNotAllowed', message: 'no' } } },
      'False',
      'RelayNotAllowed',
    ],
    [
      'the ledger cannot be read',
      { snapshot: { damage: 'Secret x is no ledger' } },
      'False',
      'LedgerDamaged',
    ],
    ['the relay is not set up', { snapshot: { relayAddress: undefined } }, 'Unknown', 'RelayUnavailable'],
  ])('%s', (_title, given, status, reason) => {
    const decision = decide(snapshotOf(given), NOW);
    const ready = decision.status?.conditions?.find(({ type }) => type === 'Ready');
    expect([ready?.status, ready?.reason]).toEqual([status, reason]);
    const others = Object.fromEntries((decision.status?.conditions ?? []).map((c) => [c.type, c.status]));
    expect(others['Reconciling']).toBe(status === 'Unknown' ? 'True' : 'False');
  });
});

describe('the relay', () => {
  const entryOf = (given: Given) => wantedEntry(caseOf(snapshotOf(given), snapshotOf(given).domain!, NOW));
  test.each<[string, Given, unknown]>([
    ['is told of a domain that is proven, with the keys that DNS shows', { proof: proven }, ['migo-1']],
    [
      'is told of it without a key that DNS does not show: mail goes unsigned',
      { proof: { ...proven, dkim: {} } },
      [],
    ],
    ['is not told of a domain that is not proven', {}, undefined],
    ['is told of it within grace', { proof: { ...proven, ownership: fading } }, ['migo-1']],
  ])('%s', (_title, given, selectors) => {
    expect(entryOf(given)?.dkim.map(({ selector }) => selector)).toEqual(selectors);
  });

  const PATH = 'bounces.example.com';
  type Verdicts = { mx?: Finding['verdict']; spf?: Finding['verdict'] };
  test.each<[string, boolean, Verdicts, string | undefined, string | undefined]>([
    ['is told of the return path that DNS leads to it', true, { mx: 'valid', spf: 'valid' }, undefined, PATH],
    ['is not told of one that DNS does not have', true, { mx: 'missing', spf: 'valid' }, PATH, undefined],
    ['is not told of one from which it may not send', true, { mx: 'valid', spf: 'wrong' }, PATH, undefined],
    ['keeps one that nobody can look up now', true, { mx: 'unknown', spf: 'valid' }, PATH, PATH],
    ['keeps one whose SPF nobody can look up now', true, { mx: 'valid', spf: 'unknown' }, PATH, PATH],
    ['keeps one before the first check', true, {}, PATH, PATH],
    ['is not told of one that nobody has seen yet', true, { mx: 'valid' }, undefined, undefined],
    ['is told of none while it takes no bounces', false, { mx: 'valid', spf: 'valid' }, PATH, undefined],
  ])('%s', (_title, enabled, { mx, spf }, known, expected) => {
    const takesBounces = { ...relay, spec: { ...relay.spec, bounces: { enabled } } };
    const served = { ...entryOf({ proof: proven })!, ...(known && { returnPath: known }) };
    const found: Finding[] = [
      ...(mx ? [{ slot: 'returnPath' as const, verdict: mx }] : []),
      ...(spf ? [{ slot: 'returnPathSpf' as const, verdict: spf }] : []),
    ];
    const entry = entryOf({
      proof: proven,
      ...(found.length > 0 && { findings: found }),
      snapshot: {
        relay: { found: true, relay: takesBounces },
        serving: { entry: served, pods: 'applied', isElsewhere: false },
      },
    });
    expect(entry?.returnPath).toBe(expected);
  });

  test.each<[string, Partial<Snapshot['serving']>, string]>([
    ['is told when it does not know of it', { entry: undefined }, 'Serve'],
    ['is told when another relay has the domain still', { isElsewhere: true }, 'Serve'],
    ['is not told before its shards are open', { entry: undefined, pods: 'closed' }, 'Settled'],
    ['is not told what it knows', {}, 'Settled'],
  ])('%s', (_title, serving, rule) => {
    const snapshot = snapshotOf({ proof: proven, findings: findings() });
    expect(decide({ ...snapshot, serving: { ...snapshot.serving, ...serving } }, NOW).rule).toBe(rule);
  });

  test('loses a domain that is gone, on whatever relay', () => {
    const decision = decide({ ...snapshotOf({}), domain: undefined }, NOW);
    expect(decision).toEqual({ rule: 'Gone', actions: [{ do: 'serve', entry: undefined }] });
  });

  test('keeps a domain of a namespace that is not watched', () => {
    const decision = decide({ ...snapshotOf({}), domain: undefined, isListed: false }, NOW);
    expect(decision).toEqual({ rule: 'Gone', actions: [] });
  });

  test('keeps a domain whose spec is broken by a later change', () => {
    const snapshot = snapshotOf({
      proof: proven,
      snapshot: { problems: [{ field: 'spec', message: 'wrong' }] },
    });
    expect(decide(snapshot, NOW).actions).toEqual([]);
  });
});

describe('steps', () => {
  test('the first key is made before anything else; records wait for it', () => {
    const given = snapshotOf({});
    const decision = decide({ ...given, ledger: undefined }, NOW);
    expect(decision).toEqual({ rule: 'KeyMissing', actions: [{ do: 'makeKey', keyType: 'RSA2048' }] });
  });

  test('records stand in status before the first query', () => {
    const decision = decide(snapshotOf({}), NOW);
    expect([decision.rule, decision.isStatusFirst]).toEqual(['CheckDue', true]);
    expect(Object.values(decision.status?.dnsRecords ?? {}).map((record) => record?.state)).toEqual(
      SLOTS.map(() => 'Pending'),
    );
    const listed = decide(snapshotOf({ status: decision.status }), NOW);
    expect([listed.rule, listed.isStatusFirst]).toEqual(['CheckDue', false]);
  });

  test.each<[string, Given, string, number | undefined]>([
    [
      'records are awaited: looked at every second at first',
      { findings: none, checked: 0.5, snapshot: { since: at(1) } },
      'Settled',
      500,
    ],
    [
      'records are awaited and it is time',
      { findings: none, checked: 1, snapshot: { since: at(1) } },
      'CheckDue',
      undefined,
    ],
    [
      'all is right: left alone for an hour',
      { proof: proven, findings: findings(), checked: 60 },
      'Settled',
      3_540_000,
    ],
    [
      'all is right, an hour ago',
      { proof: proven, findings: findings(), checked: 3600 },
      'CheckDue',
      undefined,
    ],
  ])('%s', (_title, given, rule, requeueAfterMs) => {
    const decision = decide(snapshotOf(given), NOW);
    expect([decision.rule, decision.requeueAfterMs]).toEqual([rule, requeueAfterMs]);
  });

  test('a restarted operator asks nothing and writes nothing where all was right', () => {
    const before = decide(snapshotOf({ proof: proven, findings: findings() }), NOW);
    const after = decide(snapshotOf({ proof: proven, status: before.status }), NOW);
    expect([after.rule, after.status]).toEqual(['Settled', before.status]);
  });

  test('a changed spec is checked at once', () => {
    const before = decide(snapshotOf({ proof: proven, findings: findings() }), NOW).status!;
    const snapshot = snapshotOf({ proof: proven, status: { ...before, observedGeneration: 0 } });
    expect(decide(snapshot, NOW).rule).toBe('CheckDue');
  });

  test('a changed domain is ignored, and said so', () => {
    const status = decide(
      snapshotOf({
        proof: proven,
        findings: findings(),
        spec: { domain: 'other.com' },
        status: { domain: 'example.com' },
      }),
      NOW,
    ).status;
    expect(status?.domain).toBe('example.com');
    expect(status?.conditions?.find(({ type }) => type === 'Stalled')).toMatchObject({
      status: 'True',
      reason: 'ImmutableField',
    });
  });
});

describe('after a step that failed', () => {
  const told = (ready: Condition['status']) => {
    const status = { observedGeneration: 1, conditions: [readyIs(ready)] };
    const { domain } = snapshotOf({ status });
    domain!.metadata.generation = 2;
    const after = statusAfterError({ domain }, new Error('no answer'), undefined, NOW);
    return (after?.conditions ?? []).map((one) => [one.type, one.status, one.reason, one.observedGeneration]);
  };

  test('what was Ready stays so, for the generation of which that was said', () => {
    expect(told('True')).toEqual([
      ['Ready', 'True', 'Verified', 1],
      ['Reconciling', 'True', 'ReconcileError', 2],
    ]);
  });

  test('what was not says why', () => {
    expect(told('Unknown')).toEqual([
      ['Ready', 'Unknown', 'ReconcileError', 2],
      ['Reconciling', 'True', 'ReconcileError', 2],
    ]);
  });
});

describe('steps behind Ready', () => {
  test.each<[string, Given, Record<string, string>]>([
    [
      'every record right',
      { proof: proven, findings: findings() },
      { OwnershipVerified: 'True', DKIMValid: 'True', SPFValid: 'True', DMARCValid: 'True' },
    ],
    [
      'DNS cannot be asked: Unknown, and what was known stays',
      { proof: proven, findings: findings({ ownership: 'unknown', dkim: 'unknown' }) },
      { OwnershipVerified: 'Unknown', DKIMValid: 'Unknown', SPFValid: 'True' },
    ],
    [
      'within grace: Unknown',
      { proof: { ...proven, ownership: fading }, findings: findings({ ownership: 'missing' }) },
      { OwnershipVerified: 'Unknown' },
    ],
    [
      'never there: False',
      { findings: none },
      { OwnershipVerified: 'False', DKIMValid: 'False', SPFValid: 'False' },
    ],
  ])('%s', (_title, given, expected) => {
    const conditions = decide(snapshotOf(given), NOW).status?.conditions ?? [];
    expect(Object.fromEntries(conditions.map(({ type, status }) => [type, status]))).toMatchObject(expected);
  });

  test.each<[string, string, string, Given]>([
    ['OwnershipVerified', 'True', 'RecordFound', { proof: proven, findings: findings() }],
    ['OwnershipVerified', 'False', 'RecordMissing', { findings: none }],
    ['DKIMValid', 'False', 'RecordWrong', { findings: findings({ dkim: 'wrong' }) }],
    ['SPFValid', 'Unknown', 'LookupFailed', { proof: proven, findings: findings({ spf: 'unknown' }) }],
    ['DMARCValid', 'Unknown', 'NotChecked', { proof: proven }],
    [
      'Ready',
      'Unknown',
      'RelayPending',
      {
        proof: proven,
        findings: findings(),
        snapshot: { serving: { entry: undefined, pods: 'late', isElsewhere: false } },
      },
    ],
  ])('%s is %s for the reason %s', (type, status, reason, given) => {
    const conditions = decide(snapshotOf(given), NOW).status?.conditions ?? [];
    expect(conditions).toContainEqual(expect.objectContaining({ type, status, reason }));
  });

  test('what is ignored has no condition, and its record says so', () => {
    const status = decide(
      snapshotOf({ proof: proven, findings: findings(), spec: { dmarc: 'Ignore' } }),
      NOW,
    ).status;
    expect(status?.conditions?.map(({ type }) => type)).not.toContain('DMARCValid');
    expect(status?.dnsRecords?.dmarc?.state).toBe('Ignored');
  });
});
