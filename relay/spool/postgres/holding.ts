/** Mail that waits for a window to open or for a suspended account to come back. */
import { mayRelease } from '../../policy/index.ts';
import type { HeldGroup, ReleaseGroup } from '../types.ts';
import type { Row } from '../rows.ts';
import type { Connections, Statement, Transaction } from './connections.ts';
import { heldCharges, ScopeCounters, windowCharges } from './counters.ts';
import { RECIPIENTS } from './inserting.ts';

/** Most recipients of one account looked at in a round, and most released in one transaction. */
const PER_ACCOUNT = 500;
const AT_ONCE = 2_000;

const GROUPS: Statement = {
  name: 'held-groups',
  text: `SELECT m.account_id, m.namespace, count(*) AS n
    FROM recipients r JOIN messages m ON m.id = r.id / ${RECIPIENTS}
    WHERE r.held_for IS NOT NULL AND r.held_for <> 'suspended' GROUP BY 1, 2`,
};

export async function heldGroups(connections: Connections): Promise<HeldGroup[]> {
  const rows = await connections.query(GROUPS);
  return rows.map((row) => ({
    accountId: String(row.account_id),
    namespace: String(row.namespace),
    count: Number(row.n),
  }));
}

const HELD_OF: Statement = {
  name: 'held-of',
  text: `SELECT r.id, r.month_charged, w.account FROM unnest($1::text[]) AS w (account)
    CROSS JOIN LATERAL (
      SELECT r.id, r.month_charged FROM recipients r JOIN messages m ON m.id = r.id / ${RECIPIENTS}
      WHERE r.held_for IS NOT NULL AND r.held_for <> 'suspended' AND m.account_id = w.account
      ORDER BY r.id LIMIT ${PER_ACCOUNT}) r
    ORDER BY w.account, r.id`,
};

/** The time spent held is added to the lifetime. A clock set back must not shorten it. */
const RESUME_COLUMNS = `status = 'queued', next_at = $1,
  expires_at = r.expires_at + greatest(0, $1 - coalesce(r.held_at, $1)), held_for = NULL, held_at = NULL,
  month_charged = true, updated_at = $1`;

const RESUME: Statement = {
  name: 'resume',
  text: `UPDATE recipients r SET ${RESUME_COLUMNS} WHERE id = ANY($2::bigint[]) AND held_for IS NOT NULL`,
};

/** One recipient of each account in turn, so that none that holds much starves the others of its workspace. */
export function releaseHeld(
  connections: Connections,
  groups: readonly ReleaseGroup[],
  now: number,
): Promise<number> {
  return connections.transaction(async (transaction) => {
    // Counters first, as everybody does: whoever else changes what is held now waits for us.
    const counters = await ScopeCounters.lock(
      transaction,
      groups.flatMap(({ scopes }) => scopes),
    );
    const released = choose(groups, await heldRows(transaction, groups), counters);
    if (released.length === 0) return 0;
    await transaction.query(RESUME, [now, released]);
    await counters.flush();
    return released.length;
  });
}

async function heldRows(
  transaction: Transaction,
  groups: readonly ReleaseGroup[],
): Promise<Map<string, Row[]>> {
  const rows = await transaction.query(HELD_OF, [groups.map(({ accountId }) => accountId)]);
  return Map.groupBy(rows, (row) => String(row.account));
}

function choose(
  groups: readonly ReleaseGroup[],
  held: ReadonlyMap<string, readonly Row[]>,
  counters: ScopeCounters,
): number[] {
  const released: number[] = [];
  let waiting = groups.map((group) => ({ ...group, rows: [...(held.get(group.accountId) ?? [])] }));
  while (waiting.length > 0 && released.length < AT_ONCE) {
    waiting = waiting.filter(({ scopes, rows }) => {
      const row = rows.shift();
      const monthCharged = row?.month_charged === true;
      if (!row || !mayRelease(scopes, monthCharged, counters)) return false;
      counters.add([
        ...windowCharges(scopes, 1, (kind) => kind !== 'month' || !monthCharged),
        ...heldCharges(scopes, -1),
      ]);
      released.push(Number(row.id));
      return true;
    });
  }
  return released;
}

const RESUME_SUSPENDED: Statement = {
  name: 'resume-suspended',
  text: `UPDATE recipients r SET ${RESUME_COLUMNS} FROM messages m
    WHERE r.held_for = 'suspended' AND m.id = r.id / ${RECIPIENTS} AND m.account_id <> ALL($2::text[])`,
};

/** What is being delivered has its outcome recorded first; delivery looks at the account before it begins. */
const SUSPEND: Statement = {
  name: 'suspend',
  text: `UPDATE recipients r SET status = 'held', next_at = NULL, held_for = 'suspended', held_at = $1, updated_at = $1
    FROM messages m WHERE r.next_at IS NOT NULL AND r.claimed_by IS NULL AND m.id = r.id / ${RECIPIENTS}
      AND m.account_id = ANY($2::text[])`,
};

export function setSuspended(
  connections: Connections,
  accountIds: readonly string[],
  now: number,
): Promise<void> {
  return connections.transaction(async (transaction) => {
    await transaction.query(RESUME_SUSPENDED, [now, accountIds]);
    if (accountIds.length > 0) await transaction.query(SUSPEND, [now, accountIds]);
  });
}
