/** The one file that owns pg: connections from the URI as it stands now, deadlines, transactions, notifications. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Client, type ClientBase, type ClientConfig, Pool, type PoolClient, types } from 'pg';
import { DatabaseFault } from './faults.ts';
import { type DatabaseAddress, parseDatabaseUri } from './uri.ts';
import type { Row } from '../rows.ts';

export type Value = string | number | boolean | null | Buffer | readonly Value[];

/** A statement that is prepared once on each connection; texts are constants, values are never part of them. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  /** Answers bytes as they are instead of in hexadecimal; for bytea and text columns only. */
  readonly binary?: true;
}

export interface Transaction {
  query(statement: Statement, values?: readonly Value[]): Promise<Row[]>;
}

/** For each relay process; one more listens. */
const MAX_CONNECTIONS = 5;
const CONNECT_MS = 5_000;
/** The server gives up first, so that a statement's fate is known; then we do, which leaves it unknown. */
const STATEMENT_MS = 10_000;
const LOCK_MS = 5_000;
const NO_ANSWER_MS = 15_000;
const MAX_AGE_S = 3_600;
/** How often the URI's file is looked at, at most. */
const REREAD_MS = 1_000;

export const SCHEMA = 'migosmtp';
const CHANNEL = 'migosmtp';

export class Connections implements Transaction {
  readonly #uriFile: string;
  #uri = '';
  #pool: Pool | undefined;
  #readAt = -Infinity;
  #closed = false;

  constructor(uriFile: string) {
    this.#uriFile = uriFile;
  }

  query(statement: Statement, values: readonly Value[] = []): Promise<Row[]> {
    return this.#withClient((client) => run(client, statement, values));
  }

  /** Commits what `work` did, or nothing. Statements issued together go out together. */
  transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.#withClient(async (client) => {
      const begun = run(client, { name: '', text: 'BEGIN' }, []);
      begun.catch(() => undefined);
      try {
        const result = await work({ query: (statement, values = []) => run(client, statement, values) });
        await begun;
        await run(client, { name: '', text: 'COMMIT' }, []);
        return result;
      } catch (error) {
        await run(client, { name: '', text: 'ROLLBACK' }, []).catch(() => undefined);
        throw error;
      }
    });
  }

  /** One connection that hears of changes made through other processes; `onEnd` once, when it is gone. */
  async listen(onNotice: (payload: string) => void, onEnd: () => void): Promise<() => void> {
    await this.#current();
    const client = new Client(await options(this.#uri, this.#uriFile));
    client.on('error', () => undefined);
    client.once('end', onEnd);
    client.on('notification', ({ payload }) => onNotice(payload ?? ''));
    try {
      await client.connect();
      await client.query(`LISTEN ${CHANNEL}`);
    } catch (error) {
      await client.end().catch(() => undefined);
      throw DatabaseFault.of(error, { sent: false });
    }
    return () => void client.end().catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#pool?.end().catch(() => undefined);
  }

  async #withClient<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#connect();
    let broken = false;
    try {
      return await work(client);
    } catch (error) {
      broken = error instanceof DatabaseFault && error.isConnectionLost;
      throw error;
    } finally {
      client.release(broken);
    }
  }

  async #connect(): Promise<PoolClient> {
    try {
      const pool = await this.#current();
      return await pool.connect();
    } catch (error) {
      throw DatabaseFault.of(error, { sent: false });
    }
  }

  /** A changed URI (a rotated password) holds for new connections; those in work end with what they do. */
  async #current(): Promise<Pool> {
    if (this.#pool && performance.now() - this.#readAt < REREAD_MS) return this.#pool;
    const uri = await readFile(this.#uriFile, 'utf8');
    this.#readAt = performance.now();
    if (this.#pool && uri === this.#uri) return this.#pool;
    const pool = new Pool({
      ...(await options(uri, this.#uriFile)),
      max: MAX_CONNECTIONS,
      maxLifetimeSeconds: MAX_AGE_S,
    });
    // The server ended a connection: an idle one is replaced, one in use has failed its statement already.
    pool.on('error', () => undefined);
    pool.on('connect', (client) => client.on('error', () => undefined));
    const old = this.#pool;
    this.#pool = pool;
    this.#uri = uri;
    old?.end().catch(() => undefined);
    if (this.#closed) await pool.end();
    return pool;
  }
}

async function run(client: ClientBase, statement: Statement, values: readonly Value[]): Promise<Row[]> {
  const { name, text, binary } = statement;
  try {
    const result = await client.query<Row>({
      ...(name && { name }),
      text,
      values: values as unknown[],
      ...(binary && { binary }),
    });
    return result.rows;
  } catch (error) {
    throw DatabaseFault.of(error, { sent: true });
  }
}

async function options(uri: string, uriFile: string): Promise<ClientConfig> {
  const address = parseDatabaseUri(uri);
  return {
    host: address.host,
    port: address.port,
    database: address.database,
    user: address.user,
    password: address.password,
    ssl: await tlsOptions(address, uriFile),
    application_name: 'migosmtp-relay',
    // Generic plans from the first call: the tables' shape does not depend on the values.
    options: `-c search_path=${SCHEMA} -c plan_cache_mode=force_generic_plan -c synchronous_commit=on`,
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    lock_timeout: LOCK_MS,
    idle_in_transaction_session_timeout: STATEMENT_MS,
    query_timeout: NO_ANSWER_MS,
    keepAlive: true,
    pipeline: true,
    types: { getTypeParser },
  };
}

/** As libpq has it: `require` verifies the chain as soon as a CA is there. */
async function tlsOptions(address: DatabaseAddress, uriFile: string): Promise<ClientConfig['ssl']> {
  if (address.tls === 'off') return false;
  const beside = join(dirname(uriFile), 'ca.crt');
  const file = address.caFile ?? (existsSync(beside) ? beside : null);
  const ca = file === null ? {} : { ca: await readFile(file, 'utf8') };
  if (address.tls === 'full') return { ...ca, rejectUnauthorized: true };
  if (file === null && address.tls === 'unverified') return { rejectUnauthorized: false };
  return { ...ca, rejectUnauthorized: true, checkServerIdentity: () => undefined };
}

const INT8 = 20;
const BYTEA = 17;

/** Our numbers fit a double: milliseconds, counts, ids below 2^53. */
function getTypeParser(oid: number, format?: string): (value: string) => unknown {
  if (format === 'binary') {
    return oid === BYTEA ? (value) => value : (value) => Buffer.from(value).toString('utf8');
  }
  if (oid === INT8) return Number;
  return types.getTypeParser(oid, 'text') as (value: string) => unknown;
}
