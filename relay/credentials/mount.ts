/** Watches the folder where the shard Secrets are mounted: `<directory>/<n>/config.json`. */
import { type FSWatcher, watch } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { relayApi } from '@migosmtp/operator/api';
import type { Log } from '../log.ts';
import { describeCause } from '../errors.ts';
import { parseNewer, type ShardTable } from './shards.ts';

/** Notifications are lost now and then (and not every file system has them): look again anyway. */
const POLL_MS = 10_000;

export class ShardMount {
  readonly #directory: string;
  readonly #table: ShardTable;
  readonly #log: Log;
  readonly #onShards: (shards: relayApi.Shard[]) => void;
  readonly #seen = new Map<number, string>();
  readonly #watchers = new Map<number, FSWatcher>();
  #timer: NodeJS.Timeout | undefined;
  #reading: Promise<unknown> = Promise.resolve();

  constructor(directory: string, table: ShardTable, log: Log, onShards: (shards: relayApi.Shard[]) => void) {
    this.#directory = directory;
    this.#table = table;
    this.#log = log;
    this.#onShards = onShards;
  }

  async start(): Promise<relayApi.Shard[]> {
    const shards = await this.#readChanged(allIndexes());
    this.#timer = setInterval(() => {
      this.#schedule(allIndexes());
    }, POLL_MS);
    this.#timer.unref();
    return shards;
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #schedule(indexes: readonly number[]): void {
    this.#reading = this.#reading.then(async () => {
      const shards = await this.#readChanged(indexes);
      if (shards.length > 0) this.#onShards(shards);
    });
  }

  async #readChanged(indexes: readonly number[]): Promise<relayApi.Shard[]> {
    const read = await Promise.all(indexes.map((index) => this.#readOne(index)));
    return read.filter((shard) => shard !== undefined);
  }

  async #readOne(index: number): Promise<relayApi.Shard | undefined> {
    const folder = join(this.#directory, String(index));
    const file = join(folder, relayApi.SHARD_SECRET_KEY);
    try {
      // Watch before reading: what changes in between is seen.
      this.#watch(index, folder);
      const { mtimeMs, ino, size } = await stat(file);
      const signature = `${ino} ${mtimeMs} ${size}`;
      if (this.#seen.get(index) === signature) return undefined;
      const text = await readFile(file, 'utf8');
      this.#seen.set(index, signature);
      return parseNewer(text, `mount ${index}`, this.#table);
    } catch (error) {
      if (!isMissing(error)) this.#log.warn({ cause: describeCause(error) }, 'mounted shard left out');
      return undefined;
    }
  }

  #watch(index: number, folder: string): void {
    if (this.#watchers.has(index)) return;
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#schedule([index]));
      watcher.on('error', () => {
        this.#watchers.delete(index);
        watcher.close();
      });
      this.#watchers.set(index, watcher);
    } catch {
      // Not there yet: the poll looks again.
    }
  }
}

function allIndexes(): number[] {
  return Array.from({ length: relayApi.SHARD_COUNT }, (_, index) => index);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
