/** Large bodies as files, written while they arrive and durable before their message is accepted. */
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Body, BodyRange, BodyWriter } from '../types.ts';

export async function openBodyFile(directory: string, queueId: string): Promise<BodyWriter> {
  const folder = join(directory, 'bodies');
  const file = await open(join(folder, queueId), 'wx', 0o600);
  return new BodyFile({ folder, name: queueId, file });
}

class BodyFile implements BodyWriter {
  readonly #folder: string;
  readonly #name: string;
  readonly #file: FileHandle;

  constructor({ folder, name, file }: { folder: string; name: string; file: FileHandle }) {
    this.#folder = folder;
    this.#name = name;
    this.#file = file;
  }

  async write(chunk: Uint8Array): Promise<void> {
    await this.#file.writeFile(chunk);
  }

  async finish(): Promise<Body> {
    try {
      await this.#file.sync();
    } finally {
      await this.#file.close();
    }
    // The name must survive too: a synced file without its directory entry is lost.
    const folder = await open(this.#folder, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
    return { kind: 'file', name: this.#name };
  }

  async abort(): Promise<void> {
    await this.#file.close().catch(() => undefined);
    await rm(join(this.#folder, this.#name), { force: true });
  }
}

export async function* readBodyFile(
  path: string,
  { start = 0, end = Infinity }: BodyRange = {},
): AsyncGenerator<Uint8Array> {
  if (start >= end) return;
  for await (const chunk of createReadStream(path, { start, end: end - 1 })) yield chunk as Buffer;
}
