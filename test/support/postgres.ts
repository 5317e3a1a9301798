/**
 * A real PostgreSQL of its own for a test: a cluster in a temporary folder, on loopback, ended with the test.
 *
 * Flow: startPostgres() -> createDatabase() for each store -> stop / start / kill as the test needs -> remove().
 * The binaries are the machine's, else Debian's postgresql-15 from the cache. The server refuses to run as root: it
 * then runs as `nobody`.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { type Cluster, debianPackages } from '../cluster/index.ts';
import { type ProcessIdentity, signalTo, startDaemon, terminate } from '../cluster/processes.ts';

const run = promisify(execFile);
/** Whom the server runs as where the tests run as root. */
export const SERVER_UID = 65_534;
const READY_MS = 20_000;

export interface PostgresOptions {
  /** Lines for postgresql.conf. */
  readonly settings?: readonly string[];
  /** Run in this cluster's network, on an address that Pods reach. Default: loopback, a free port. */
  readonly cluster?: Cluster;
}

interface Binaries {
  readonly postgres: string;
  readonly initdb: string;
  readonly env: NodeJS.ProcessEnv;
}

export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  const binaries = await findBinaries();
  const { cluster } = options;
  const folder =
    (await cluster?.temporaryFolder('postgres')) ?? (await mkdtemp(join(tmpdir(), 'migosmtp-postgres-')));
  const address = (await cluster?.addAddress()) ?? '127.0.0.1';
  const port = cluster === undefined ? await freePort() : 5432;
  const server = new Postgres({ ...options, binaries, folder, address, port });
  try {
    await server.create();
    await server.start();
  } catch (error) {
    await server.remove();
    throw error;
  }
  return server;
}

interface Place extends PostgresOptions {
  readonly binaries: Binaries;
  readonly folder: string;
  readonly address: string;
  readonly port: number;
}

export class Postgres {
  readonly #place: Place;
  #process: ProcessIdentity | undefined;
  #databases = 0;

  constructor(place: Place) {
    this.#place = place;
  }

  get port(): number {
    return this.#place.port;
  }

  /** Of the server's first process, the parent of all others. */
  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Of the superuser; `change` names another database, user or password. */
  uri(change: { database?: string; user?: string; password?: string } = {}): string {
    const { database = 'postgres', user = 'postgres', password = 'secret' } = change;
    const { address, port } = this.#place;
    return `postgres://${user}:${password}@${address}:${port}/${database}?sslmode=disable`;
  }

  /** An empty database; answers its URI. */
  async createDatabase(): Promise<string> {
    const database = `test_${++this.#databases}`;
    await this.query(`CREATE DATABASE ${database}`);
    return this.uri({ database });
  }

  /** One statement on a connection of its own. */
  async query(text: string, uri = this.uri()): Promise<Record<string, unknown>[]> {
    const { pathname, username, password } = new URL(uri);
    // By the socket, which is reached from outside of a cluster's network too.
    const { folder: host, port } = this.#place;
    const client = new Client({ host, port, database: pathname.slice(1), user: username, password });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text)).rows;
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  async create(): Promise<void> {
    const { binaries, folder, cluster } = this.#place;
    await chmod(folder, 0o700);
    const passwordFile = join(folder, 'password');
    await writeFile(passwordFile, 'secret\n');
    if (isRoot()) {
      await chown(folder, SERVER_UID, SERVER_UID);
      await chown(passwordFile, SERVER_UID, SERVER_UID);
    }
    const data = join(folder, 'data');
    const initdb = [binaries.initdb, '-D', data, '-U', 'postgres', '-A', 'scram-sha-256', '-E', 'UTF8'];
    const more = [`--pwfile=${passwordFile}`, '--locale=C', '--no-sync'];
    const [command = '', ...args] = asUser([...initdb, ...more]);
    await run(command, args, { env: binaries.env, cwd: folder });
    const from = cluster === undefined ? '127.0.0.1/32' : '0.0.0.0/0';
    await writeFile(
      join(data, 'pg_hba.conf'),
      `local all all scram-sha-256\nhost all all ${from} scram-sha-256\n`,
    );
  }

  /** Starts it (again) on the same data and port. */
  async start(): Promise<void> {
    const { binaries, folder, port, address, cluster, settings = [] } = this.#place;
    const lines = [`port=${port}`, `listen_addresses=${address}`, `unix_socket_directories=${folder}`];
    const options = [...lines, ...settings].flatMap((line) => ['-c', line]);
    const argv = asUser([binaries.postgres, '-D', join(folder, 'data'), ...options]);
    const { env } = binaries;
    this.#process =
      cluster === undefined
        ? await startDaemon({ argv, env, cwd: folder, logFile: `${folder}.log` })
        : await cluster.startServer('postgres', argv, { env });
    const deadline = Date.now() + READY_MS;
    for (;;) {
      const problem = await this.query('SELECT 1').then(() => undefined, String);
      if (problem === undefined) return;
      if (Date.now() > deadline) throw new Error(`PostgreSQL does not answer: ${problem}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** `fast` ends sessions and closes orderly; `crash` is SIGQUIT: no checkpoint, recovery at the next start. */
  async stop(how: 'fast' | 'crash' = 'fast'): Promise<void> {
    const main = this.#process;
    this.#process = undefined;
    if (main === undefined) return;
    signalTo(main, how === 'fast' ? 'SIGINT' : 'SIGQUIT');
    await terminate(main, 10_000);
  }

  async remove(): Promise<void> {
    await this.stop('crash');
    await rm(this.#place.folder, { recursive: true, force: true });
    await rm(`${this.#place.folder}.log`, { force: true });
  }
}

async function findBinaries(): Promise<Binaries> {
  const installed = [
    '/usr/lib/postgresql/15/bin',
    '/usr/lib/postgresql/17/bin',
    '/usr/lib/postgresql/16/bin',
  ];
  const folder = installed.find((path) => existsSync(join(path, 'initdb')));
  if (folder !== undefined) {
    return { postgres: join(folder, 'postgres'), initdb: join(folder, 'initdb'), env: process.env };
  }
  const packages = await debianPackages(['postgresql-15']);
  return { postgres: packages.bin('postgres'), initdb: packages.bin('initdb'), env: packages.env() };
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** setpriv becomes the program itself, so that the pid is the server's. */
function asUser(argv: readonly string[]): string[] {
  if (!isRoot()) return [...argv];
  return ['setpriv', `--reuid=${SERVER_UID}`, `--regid=${SERVER_UID}`, '--clear-groups', ...argv];
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
