/** Accepting: charge decision and every row of many messages in one transaction. */
import { type ChargeScope, decideCharge } from '../../policy/index.ts';
import { RelayError } from '../../errors.ts';
import type { AcceptOptions, AcceptResult, NewMessage } from '../types.ts';
import type { Connections, Statement, Transaction } from './connections.ts';
import { HELD, heldCharges, ScopeCounters, windowCharges } from './counters.ts';
import { DatabaseFault } from './faults.ts';
import { insertMessages, type Prepared } from './inserting.ts';
import { Lane } from './lane.ts';
import type { Lease } from './lease.ts';

interface Accept {
  readonly message: NewMessage;
  readonly options: AcceptOptions;
}

/** Raised by the statement itself, see schema. */
const OVER_LIMIT = 'MS001';
const MAX_REMEMBERED = 50_000;

const ADOPT_BODIES: Statement = {
  name: 'bodies-adopt',
  text: 'UPDATE large_bodies SET is_accepted = true WHERE queue_id = ANY($1::text[]) RETURNING queue_id',
};

export class Accepting {
  readonly #connections: Connections;
  readonly #lease: Lease;
  readonly #lane: Lane<Accept, AcceptResult>;
  /** Scopes that had no room left, and until when it stays so: with them the quick way fails for sure. */
  readonly #full = new Map<string, number>();
  #sent: readonly Prepared[] = [];

  constructor(connections: Connections, lease: Lease) {
    this.#connections = connections;
    this.#lease = lease;
    this.#lane = new Lane({
      apartMs: 5,
      sharers: () => this.#lease.sharers,
      run: (calls) => this.#run(calls),
      weigh: ({ message: { body } }) => (body.kind === 'inline' ? body.data.length : 0),
      unknown: () => this.#lease.doubt(this.#sent),
    });
  }

  accept(message: NewMessage, options: AcceptOptions): Promise<AcceptResult> {
    return this.#lane.call({ message, options });
  }

  drained(): Promise<void> {
    return this.#lane.drained();
  }

  async #run(calls: readonly Accept[]): Promise<readonly AcceptResult[]> {
    const relay = await this.#lease.held();
    const mayBeQuick = calls.every(
      ({ message, options }) =>
        message.body.kind === 'inline' && options.scopes.every(({ key }) => !this.#isFull(key)),
    );
    if (mayBeQuick) {
      try {
        return await this.#quickly(relay, calls);
      } catch (error) {
        if (!(error instanceof DatabaseFault) || error.sqlState !== OVER_LIMIT) throw error;
      }
    }
    return this.#exactly(relay, calls);
  }

  /** Taken for granted that all may be sent; the statement refuses where that is not so. */
  async #quickly(relay: number, calls: readonly Accept[]): Promise<AcceptResult[]> {
    this.#sent = calls.map(({ message, options }) => ({
      message,
      hold: null,
      chargesMonth: true,
      claim: options.claim,
      charges: windowCharges(options.scopes, message.recipients.length),
    }));
    const { claimed, full } = await insertMessages(this.#connections, relay, this.#sent);
    return calls.map(({ options }, i) => {
      const exhausted = options.scopes.some(({ key }) => full.has(key));
      if (exhausted) this.#rememberFull(options.scopes);
      return { kind: 'accepted', held: false, claimed: this.#lease.track(claimed[i]), exhausted };
    });
  }

  /** Counters locked, then decided one by one as policy has it. */
  async #exactly(relay: number, calls: readonly Accept[]): Promise<AcceptResult[]> {
    this.#sent = [];
    const decided = await this.#connections.transaction(async (transaction) => {
      const scopes = calls.flatMap(({ options }) => options.scopes);
      const counters = await ScopeCounters.lock(transaction, scopes);
      const results = calls.map((call) => decide(call, counters));
      const prepared = results.flatMap(({ prepared }) => (prepared ? [prepared] : []));
      this.#sent = prepared;
      await adoptBodies(transaction, prepared);
      const { claimed } =
        prepared.length > 0 ? await insertMessages(transaction, relay, prepared) : { claimed: [] };
      const byMessage = new Map(prepared.map(({ message }, i) => [message.queueId, claimed[i] ?? []]));
      return results.map(({ result, prepared }) =>
        result.kind === 'refuse'
          ? result
          : { ...result, claimed: byMessage.get(prepared?.message.queueId ?? '') ?? [] },
      );
    });
    for (const [i, result] of decided.entries()) {
      if (result.kind === 'refuse' || result.exhausted) this.#rememberFull(calls[i]?.options.scopes ?? []);
      if (result.kind === 'accepted') this.#lease.track(result.claimed);
    }
    if (decided.some((result) => result.kind === 'accepted' && result.held)) this.#lease.announce(HELD);
    return decided;
  }

  #isFull(key: string): boolean {
    const until = this.#full.get(key);
    if (until !== undefined && until <= Date.now()) this.#full.delete(key);
    return this.#full.has(key);
  }

  #rememberFull(scopes: readonly ChargeScope[]): void {
    if (this.#full.size > MAX_REMEMBERED) this.#full.clear();
    for (const { key, windows } of scopes) {
      const ends = windows.filter(({ limit }) => limit !== null).map(({ endMs }) => endMs);
      if (ends.length > 0) this.#full.set(key, Math.min(...ends));
    }
  }
}

interface Decided {
  readonly result: AcceptResult;
  readonly prepared?: Prepared;
}

function decide({ message, options }: Accept, counters: ScopeCounters): Decided {
  const { scopes } = options;
  const count = message.recipients.length;
  const decision = decideCharge(scopes, count, counters);
  if (decision.kind === 'refuse') return { result: decision };
  const held = decision.kind === 'hold';
  const chargesMonth = !held || decision.chargeMonth;
  const charges = [
    ...windowCharges(scopes, count, (kind) => !held || (kind === 'month' && chargesMonth)),
    ...(held ? heldCharges(scopes, count) : []),
  ].map((charge) => ({ ...charge, limit: null }));
  counters.add(charges);
  const exhausted = decideCharge(scopes, 1, counters).kind !== 'send';
  const hold = held ? (chargesMonth ? 'window' : 'month') : null;
  return {
    result: { kind: 'accepted', held, claimed: [], exhausted },
    prepared: { message, hold, chargesMonth, claim: options.claim && !held, charges },
  };
}

/** A body whose writer was taken for dead is gone: its message must not be acknowledged. */
async function adoptBodies(transaction: Transaction, prepared: readonly Prepared[]): Promise<void> {
  const large = prepared.filter(({ message }) => message.body.kind !== 'inline');
  if (large.length === 0) return;
  const ids = large.map(({ message }) => message.queueId);
  const adopted = await transaction.query(ADOPT_BODIES, [ids]);
  if (adopted.length < ids.length) throw new RelayError('R_STORE_WRITE', { cause: 'a large body is gone' });
}
