/** Keeps the directory in step with store, mount and push; serialises changes so that revisions only rise. */
import type { relayApi } from '@migosmtp/operator/api';
import type { Directory } from '../policy/index.ts';
import type { Log } from '../log.ts';
import { describeCause } from '../errors.ts';
import type { ShardFiles } from './shard-files.ts';
import { ShardTable } from './shards.ts';
import { ShardMount } from './mount.ts';

export interface PolicySourceOptions {
  readonly directory: Directory;
  readonly files: ShardFiles;
  readonly mountDirectory: string;
  readonly log: Log;
}

export class PolicySource {
  readonly #options: PolicySourceOptions;
  readonly #table = new ShardTable();
  readonly #mount: ShardMount;
  readonly #listeners: (() => void)[] = [];
  #tail: Promise<unknown> = Promise.resolve();

  constructor(options: PolicySourceOptions) {
    this.#options = options;
    const { mountDirectory, log } = options;
    this.#mount = new ShardMount(mountDirectory, this.#table, log, (shards) => {
      void this.push(shards).catch((error: unknown) => {
        log.error({ cause: describeCause(error) }, 'mounted shards could not be stored');
      });
    });
  }

  /** Called after each change that was applied. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Loads the newest of store and mount and starts watching the mount. */
  async start(): Promise<void> {
    const { files, log } = this.#options;
    const stored = await files.load((error) =>
      log.warn({ cause: describeCause(error) }, 'stored shard left out'),
    );
    this.#apply(stored);
    const mounted = await this.#mount.start();
    // What another relay object of the same name left in the store is void once the mount speaks.
    if (mounted.length > 0) await this.push(mounted);
  }

  stop(): void {
    this.#mount.stop();
  }

  /** Stores and applies what is newer; answers with the revisions in force. One push at a time. */
  push(shards: readonly relayApi.Shard[]): Promise<Record<string, number>> {
    const run = this.#tail.then(() => this.#store(shards));
    this.#tail = run.catch(() => undefined);
    return run;
  }

  applied(): Record<string, number> {
    return this.#table.applied();
  }

  missing(): number[] {
    return this.#table.missing();
  }

  async #store(shards: readonly relayApi.Shard[]): Promise<Record<string, number>> {
    const newer = newestOfEach(shards).filter((shard) => this.#table.isNewer(shard));
    if (newer.length > 0) {
      await this.#options.files.save(newer);
      this.#apply(newer);
    }
    return Object.fromEntries(
      shards.map(({ shard }) => [String(shard), this.#table.get(shard)?.revision ?? 0]),
    );
  }

  #apply(shards: readonly relayApi.Shard[]): void {
    const newer = shards.filter((shard) => this.#table.isNewer(shard));
    for (const shard of newer) {
      this.#table.set(shard);
      this.#options.directory.replace(shard.shard, shard);
    }
    if (newer.length > 0) for (const listener of this.#listeners) listener();
  }
}

function newestOfEach(shards: readonly relayApi.Shard[]): relayApi.Shard[] {
  const newest = new Map<number, relayApi.Shard>();
  for (const shard of shards) {
    const known = newest.get(shard.shard);
    if (!known || shard.revision > known.revision) newest.set(shard.shard, shard);
  }
  return [...newest.values()];
}
