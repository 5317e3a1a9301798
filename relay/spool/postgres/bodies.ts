/** Large bodies as chunks, written while they arrive and read one at a time. */
import type { Body, BodyRange, BodyWriter } from '../types.ts';
import { RelayError } from '../../errors.ts';
import type { Connections, Statement } from './connections.ts';
import { toRelayError } from './lane.ts';

const CHUNK = 256 * 1024;

const BEGIN: Statement = {
  name: 'body-begin',
  text: 'INSERT INTO large_bodies (queue_id) VALUES ($1)',
};
/** A body that was swept meanwhile takes no more: its message will be refused. */
const APPEND: Statement = {
  name: 'body-append',
  text: `WITH written AS (
    UPDATE large_bodies SET written_at = now() WHERE queue_id = $1 AND NOT is_accepted RETURNING queue_id)
    INSERT INTO body_chunks (queue_id, position, data) SELECT queue_id, $2, $3 FROM written RETURNING position`,
};
/** Not where the message was stored although the answer to its commit was lost: somebody may be sending it. */
const ABANDON: Statement = {
  name: 'body-abandon',
  text: `WITH gone AS (DELETE FROM large_bodies WHERE queue_id = $1 AND NOT is_accepted RETURNING queue_id)
    DELETE FROM body_chunks c USING gone WHERE c.queue_id = gone.queue_id`,
};
const READ: Statement = {
  name: 'body-read',
  text: `SELECT data, position::text AS position FROM body_chunks WHERE queue_id = $1 AND position =
    (SELECT max(position) FROM body_chunks WHERE queue_id = $1 AND position <= $2)`,
  binary: true,
};

export async function openBody(connections: Connections, queueId: string): Promise<BodyWriter> {
  await connections.query(BEGIN, [queueId]).catch(rethrow);
  return new ChunkWriter(connections, queueId);
}

class ChunkWriter implements BodyWriter {
  readonly #connections: Connections;
  readonly #queueId: string;
  #pending: Uint8Array[] = [];
  #pendingSize = 0;
  #position = 0;

  constructor(connections: Connections, queueId: string) {
    this.#connections = connections;
    this.#queueId = queueId;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#pending.push(chunk);
    this.#pendingSize += chunk.length;
    if (this.#pendingSize >= CHUNK) await this.#flush();
  }

  async finish(): Promise<Body> {
    if (this.#pendingSize > 0) await this.#flush();
    return { kind: 'file', name: this.#queueId };
  }

  async abort(): Promise<void> {
    this.#pending = [];
    await this.#connections.query(ABANDON, [this.#queueId]).catch(() => undefined);
  }

  async #flush(): Promise<void> {
    const data = Buffer.concat(this.#pending.splice(0));
    this.#pendingSize = 0;
    const rows = await this.#connections.query(APPEND, [this.#queueId, this.#position, data]).catch(rethrow);
    if (rows.length === 0) throw new RelayError('R_STORE_WRITE', { cause: 'a large body is gone' });
    this.#position += data.length;
  }
}

/** Chunks carry their offset, so that a part of a body is found without reading what stands before it. */
export async function* readLargeBody(
  connections: Connections,
  queueId: string,
  { start = 0, end = Infinity }: BodyRange = {},
): AsyncGenerator<Uint8Array> {
  for (let next = start; next < end;) {
    const [row] = await connections.query(READ, [queueId, next]).catch(rethrow);
    if (!row) throw new RelayError('R_BODY_MISSING', { queueId });
    const data = row.data as Uint8Array;
    const position = Number(row.position);
    if (position + data.length <= next) return;
    yield data.subarray(next - position, Math.min(data.length, end - position));
    next = position + data.length;
    // Only the last one is shorter than what makes a flush.
    if (data.length < CHUNK) return;
  }
}

function rethrow(error: unknown): never {
  throw toRelayError(error);
}
