import { expect, test } from '@jest/globals';
import { chargeScopes } from './charge.ts';
import type { Account, Workspace } from './directory.ts';
import { KnownScopes } from './known-scopes.ts';
import { Calendar } from './windows.ts';

const NOW = Date.UTC(2026, 4, 31, 23, 59, 59);
const account = { id: 'a', namespace: 'shop', limits: { perMinute: 5, onWindowLimit: 'Queue' } } as Account;
const workspace = { namespace: 'shop', perDay: 100, timeZone: 'UTC' } as Workspace;

function fresh(of: Workspace | undefined, nowMs: number) {
  return chargeScopes(account, of, { calendar: new Calendar(), nowMs });
}

test('answers the same objects within a minute, and what they would be anew', () => {
  const known = new KnownScopes(new Calendar());
  const first = known.of(account, workspace, NOW);
  expect(first).toEqual(fresh(workspace, NOW));
  expect(known.of(account, workspace, NOW + 999)).toBe(first);
});

test.each([
  ['the minute ends', workspace, NOW + 1_000],
  ['the clock went back', workspace, NOW - 60_000],
  ['the workspace has other limits', { ...workspace, perDay: 200 }, NOW],
  ['the workspace has no plan any more', undefined, NOW],
])('computes anew where %s', (_, changed, nowMs) => {
  const known = new KnownScopes(new Calendar());
  known.of(account, workspace, NOW);
  expect(known.of(account, changed, nowMs)).toEqual(fresh(changed, nowMs));
});

test('an account that was replaced has scopes of its own', () => {
  const known = new KnownScopes(new Calendar());
  known.of(account, workspace, NOW);
  const changed = { ...account, limits: { ...account.limits, perMinute: 7 } };
  expect(known.of(changed, workspace, NOW)[0]?.windows.at(-1)?.limit).toBe(7);
});

test('forgets rather than grow', () => {
  const known = new KnownScopes(new Calendar());
  const first = known.of(account, workspace, NOW);
  for (let i = 0; i < 1_000; i++) known.of({ ...account, id: String(i) }, workspace, NOW);
  expect(known.of(account, workspace, NOW)).not.toBe(first);
});
