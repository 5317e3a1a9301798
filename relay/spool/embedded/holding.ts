/** Mail that waits for a window to open or for a suspended account to come back. */
import { mayRelease } from '../../policy/index.ts';
import type { HeldGroup, ReleaseGroup } from '../types.ts';
import type { Row } from '../rows.ts';
import type { StoreContext } from './store.ts';

/** Most recipients of one account looked at in a round; more follow in the next call. */
const PER_ACCOUNT = 500;

export function heldGroups({ database }: StoreContext): HeldGroup[] {
  const rows = database.all(
    `SELECT m.account_id, m.namespace, COUNT(*) AS n FROM recipients r JOIN messages m ON m.id = r.message
     WHERE r.held_for IN ('window', 'month') GROUP BY m.account_id, m.namespace`,
  );
  return rows.map((row) => ({
    accountId: String(row.account_id),
    namespace: String(row.namespace),
    count: Number(row.n),
  }));
}

/** One recipient of each account in turn, so that none that holds much starves the others of its workspace. */
export function releaseHeld(store: StoreContext, groups: readonly ReleaseGroup[], now: number): number {
  const { counters } = store;
  let waiting = groups.map((group) => ({ group, rows: heldOf(store, group.accountId) }));
  let released = 0;
  while (waiting.length > 0) {
    const next: typeof waiting = [];
    for (const entry of waiting) {
      const row = entry.rows.shift();
      const { scopes } = entry.group;
      const monthCharged = row?.month_charged === 1;
      if (!row || !mayRelease(scopes, monthCharged, counters)) continue;
      counters.charge(scopes, 1, (kind) => kind !== 'month' || !monthCharged);
      counters.addHeld(
        scopes.map((scope) => scope.key),
        -1,
      );
      resume(store, row, now);
      released++;
      next.push(entry);
    }
    waiting = next;
  }
  return released;
}

function heldOf({ database }: StoreContext, accountId: string): Row[] {
  return database.all(
    `SELECT r.id, r.held_at, r.month_charged FROM recipients r JOIN messages m ON m.id = r.message
     WHERE r.held_for IN ('window', 'month') AND m.account_id = ? ORDER BY r.id LIMIT ?`,
    accountId,
    PER_ACCOUNT,
  );
}

/** The time spent held is added to the lifetime. A clock set back must not shorten it. */
function resume({ database }: StoreContext, row: Row, now: number): void {
  database.run(
    `UPDATE recipients SET status = 'queued', next_at = ?, expires_at = expires_at + ?, held_for = NULL,
       held_at = NULL, month_charged = 1, updated_at = ? WHERE id = ?`,
    now,
    Math.max(0, now - Number(row.held_at ?? now)),
    now,
    Number(row.id),
  );
}

export function setSuspended(store: StoreContext, accountIds: readonly string[], now: number): void {
  const { database } = store;
  const suspended = new Set(accountIds);
  const held = database.all(
    `SELECT r.id, r.held_at, r.month_charged, m.account_id FROM recipients r JOIN messages m ON m.id = r.message
     WHERE r.held_for = 'suspended'`,
  );
  for (const row of held) if (!suspended.has(String(row.account_id))) resume(store, row, now);
  if (suspended.size === 0) return;
  const waiting = database.all(
    `SELECT r.id FROM recipients r JOIN messages m ON m.id = r.message
     WHERE r.next_at IS NOT NULL AND m.account_id IN (SELECT value FROM json_each(?))`,
    JSON.stringify(accountIds),
  );
  for (const row of waiting) {
    // What is being delivered has its outcome recorded first; delivery looks at the account before it begins.
    if (!store.claims.has(Number(row.id))) hold(store, Number(row.id), now);
  }
}

function hold({ database }: StoreContext, recipientId: number, now: number): void {
  database.run(
    `UPDATE recipients SET status = 'held', next_at = NULL, held_for = 'suspended', held_at = ?, updated_at = ?
     WHERE id = ?`,
    now,
    now,
    recipientId,
  );
}
