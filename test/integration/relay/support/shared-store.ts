/** Relay processes on one real PostgreSQL. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Postgres, startPostgres } from '../../../support/postgres.ts';
import { Dialogue, simpleMessage } from './dialogue.ts';
import { type RelayOptions, startRelay, type TestRelay } from './relay.ts';

export interface SharedStore {
  readonly server: Postgres;
  readonly uriFile: string;
  /** A relay with a folder of its own on the one database. */
  start(options: RelayOptions): Promise<TestRelay>;
  /** Ends the relays, then the server. */
  remove(): Promise<void>;
}

export async function startSharedStore(): Promise<SharedStore> {
  const server = await startPostgres();
  const folder = await mkdtemp(join(tmpdir(), 'shared-store-'));
  const uriFile = join(folder, 'uri');
  await writeFile(uriFile, await server.createDatabase());
  const relays: TestRelay[] = [];
  return {
    server,
    uriFile,
    async start(options) {
      const directory = await mkdtemp(join(folder, 'relay-'));
      const config = { storage: { kind: 'postgres' as const, uriFile, directory } };
      const relay = await startRelay({ ...options, config });
      relays.push(relay);
      return relay;
    },
    async remove() {
      for (const relay of relays) await relay.stop();
      await server.remove();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export interface Account {
  /** Subjects that got 250. */
  readonly accepted: string[];
  /** Subjects that got 4xx or 5xx; those whose connection broke are in neither. */
  readonly refused: string[];
}

/** Sends one message after the other, each with a subject of its own, until told to stop. */
export async function sendUntil(
  relay: TestRelay,
  account: Account,
  stop: () => boolean,
  name = 'm',
): Promise<void> {
  for (let i = 0; !stop(); i++) {
    const subject = `${name}-${i}`;
    try {
      const dialogue = await Dialogue.loggedIn(relay);
      const answer = await dialogue.send({ data: simpleMessage({ Subject: subject }) });
      if (answer.startsWith('250')) account.accepted.push(subject);
      else if (answer !== '') account.refused.push(subject);
      dialogue.close();
    } catch {
      // No connection, or it ended: nothing was answered.
    }
  }
}

export function subjectOf(message: { readonly data: Buffer }): string {
  return /^Subject: (.*?)\r?$/m.exec(message.data.toString('latin1'))?.[1] ?? '';
}
