/** The durable copy of the shards in the storage folder, one file each, replaced by rename. */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { relayApi } from '@migosmtp/operator/api';
import { parseShard } from './shards.ts';

export class ShardFiles {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** What was stored; a file that cannot be read is reported and left out: mount or push will bring it anew. */
  async load(onProblem: (error: unknown) => void): Promise<relayApi.Shard[]> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const shards: relayApi.Shard[] = [];
    for (const name of await readdir(this.#directory)) {
      if (name.includes('.tmp-')) {
        await rm(join(this.#directory, name), { force: true });
      } else if (/^\d+\.json$/.test(name)) {
        try {
          shards.push(parseShard(await readFile(join(this.#directory, name), 'utf8'), `store ${name}`));
        } catch (error) {
          onProblem(error);
        }
      }
    }
    return shards;
  }

  /** Durable when it returns: file contents first, then the rename, then the folder. */
  async save(shards: readonly relayApi.Shard[]): Promise<void> {
    await Promise.all(shards.map((shard) => this.#write(shard)));
    const folder = await open(this.#directory, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }

  async #write(shard: relayApi.Shard): Promise<void> {
    const target = join(this.#directory, `${shard.shard}.json`);
    const temporary = `${target}.tmp-${randomBytes(6).toString('hex')}`;
    const file = await open(temporary, 'w', 0o600);
    try {
      await file.writeFile(JSON.stringify(shard));
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  }
}
