/** Usage counters: what a batch adds to them, and reading them under lock. */
import type { ChargeScope, Counts } from '../../policy/index.ts';
import type { Row } from '../rows.ts';
import type { Statement, Transaction, Value } from './connections.ts';

/** What one call adds to one counter. */
export interface Charge {
  readonly scope: string;
  readonly kind: string;
  readonly startMs: number;
  readonly count: number;
  /** The counter must not exceed it; null: it may. */
  readonly limit: number | null;
}

export const HELD = 'held';

export function windowCharges(
  scopes: readonly ChargeScope[],
  count: number,
  includes: (kind: string) => boolean = () => true,
): Charge[] {
  return scopes.flatMap(({ key, windows }) =>
    windows
      .filter(({ kind }) => includes(kind))
      .map(({ kind, startMs, limit }) => ({ scope: key, kind, startMs, count, limit })),
  );
}

export function heldCharges(scopes: readonly { readonly key: string }[], count: number): Charge[] {
  return scopes.map(({ key }) => ({ scope: key, kind: HELD, startMs: 0, count, limit: null }));
}

/** One entry for each counter, in the one order in which every process locks them. */
export function sumCharges(charges: readonly Charge[]): Charge[] {
  const sums = new Map<string, Charge>();
  for (const charge of charges) {
    const id = counterId(charge.scope, charge.kind, charge.startMs);
    const known = sums.get(id);
    if (!known) sums.set(id, charge);
    else
      sums.set(id, { ...known, count: known.count + charge.count, limit: least(known.limit, charge.limit) });
  }
  return [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, charge]) => charge);
}

export function chargeColumns(charges: readonly Charge[]): Value[] {
  return [
    charges.map(({ scope }) => scope),
    charges.map(({ kind }) => kind),
    charges.map(({ startMs }) => startMs),
    charges.map(({ count }) => count),
  ];
}

const ADD: Statement = {
  name: 'counters-add',
  text: `INSERT INTO counters AS c (scope, kind, start_at, used)
    SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])
    ON CONFLICT (scope, kind, start_at) DO UPDATE SET used = c.used + excluded.used
    RETURNING scope, kind, start_at, used`,
};

/** Locks counters that may not exist yet, and adds nothing. */
export const LOCK_COUNTERS: Statement = {
  name: 'counters-lock',
  text: `INSERT INTO counters AS c (scope, kind, start_at, used)
    SELECT s, k, t, 0 FROM unnest($1::text[], $2::text[], $3::bigint[]) AS u (s, k, t)
    ON CONFLICT (scope, kind, start_at) DO UPDATE SET used = c.used
    RETURNING scope, kind, start_at, used`,
};

const LOOK: Statement = {
  name: 'counters-look',
  text: `SELECT scope, kind, start_at, used
    FROM unnest($1::text[], $2::text[], $3::bigint[]) AS u (scope, kind, start_at)
    JOIN counters USING (scope, kind, start_at)`,
};

/** The counters of some scopes, as read and as changed since. */
export class ScopeCounters implements Counts {
  readonly #transaction: Transaction;
  readonly #used = new Map<string, number>();
  readonly #added: Charge[] = [];

  private constructor(transaction: Transaction) {
    this.#transaction = transaction;
  }

  /** Locked until the transaction ends: nobody else can charge them meanwhile. */
  static async lock(transaction: Transaction, scopes: readonly ChargeScope[]): Promise<ScopeCounters> {
    const counters = new ScopeCounters(transaction);
    const charges = sumCharges([...windowCharges(scopes, 0), ...heldCharges(scopes, 0)]);
    const rows =
      charges.length > 0 ? await transaction.query(LOCK_COUNTERS, chargeColumns(charges).slice(0, 3)) : [];
    counters.#learn(rows);
    return counters;
  }

  /** As they stand, without a lock: for an answer that may be overtaken. */
  static async look(transaction: Transaction, scopes: readonly ChargeScope[]): Promise<ScopeCounters> {
    const counters = new ScopeCounters(transaction);
    const charges = sumCharges([...windowCharges(scopes, 0), ...heldCharges(scopes, 0)]);
    counters.#learn(await transaction.query(LOOK, chargeColumns(charges).slice(0, 3)));
    return counters;
  }

  used(key: string, kind: string, startMs: number): number {
    return this.#used.get(counterId(key, kind, startMs)) ?? 0;
  }

  held(key: string): number {
    return this.used(key, HELD, 0);
  }

  add(charges: readonly Charge[]): void {
    for (const charge of charges) {
      const id = counterId(charge.scope, charge.kind, charge.startMs);
      this.#used.set(id, (this.#used.get(id) ?? 0) + charge.count);
      this.#added.push(charge);
    }
  }

  #learn(rows: readonly Row[]): void {
    for (const row of rows) {
      const id = counterId(String(row.scope), String(row.kind), Number(row.start_at));
      this.#used.set(id, Number(row.used));
    }
  }

  /** Before commit. */
  async flush(): Promise<void> {
    await addToCounters(this.#transaction, this.#added);
  }
}

export async function addToCounters(transaction: Transaction, charges: readonly Charge[]): Promise<void> {
  const sums = sumCharges(charges).filter(({ count }) => count !== 0);
  if (sums.length > 0) await transaction.query(ADD, chargeColumns(sums));
}

function counterId(scope: string, kind: string, startMs: number): string {
  return `${scope}\u0000${kind}\u0000${startMs}`;
}

function least(a: number | null, b: number | null): number | null {
  if (a === null) return b;
  return b === null ? a : Math.min(a, b);
}
