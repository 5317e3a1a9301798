import { chmod, chown, mkdir, readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Contents of a mounted folder by relative path. */
export type Payload = Map<string, { content: Buffer; mode: number }>;

/**
 * A folder whose files change all at once: they are links through `..data`, which is swapped to a new folder by one
 * rename. Programs that watch `..data`, as with a real kubelet, see exactly one change.
 */
export class AtomicFolder {
  readonly #path: string;
  readonly #group: number | undefined;
  #last: Payload = new Map();
  #isWritten = false;
  #number = 0;

  constructor(path: string, group: number | undefined) {
    this.#path = path;
    this.#group = group;
  }

  /** Makes the folder hold exactly this. @returns false when it already did */
  async write(payload: Payload): Promise<boolean> {
    if (this.#isWritten && isSame(payload, this.#last)) return false;
    await mkdir(this.#path, { recursive: true });
    await chmod(this.#path, 0o755);
    const version = `..${new Date().toISOString().replace(/[-:.TZ]/g, '_')}${this.#number++}`;
    await this.#fill(join(this.#path, version), payload);
    const old = await readlink(join(this.#path, '..data')).catch(() => undefined);
    await symlink(version, join(this.#path, '..data_tmp'));
    await rename(join(this.#path, '..data_tmp'), join(this.#path, '..data'));
    await this.#link(new Set([...payload.keys()].map((path) => path.split('/')[0] ?? path)));
    if (old !== undefined) await rm(join(this.#path, old), { recursive: true, force: true });
    this.#last = payload;
    this.#isWritten = true;
    return true;
  }

  async #fill(folder: string, payload: Payload): Promise<void> {
    await mkdir(folder);
    await chmod(folder, 0o755);
    for (const [path, { content, mode }] of payload) {
      const file = join(folder, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
      if (this.#group !== undefined) await chown(file, 0, this.#group);
      // With an fsGroup the group may read, as a kubelet arranges it.
      await chmod(file, this.#group === undefined ? mode : mode | 0o440);
    }
  }

  async #link(names: Set<string>): Promise<void> {
    const present = (await readdir(this.#path)).filter((name) => !name.startsWith('..'));
    for (const name of present) if (!names.has(name)) await rm(join(this.#path, name), { force: true });
    for (const name of names)
      if (!present.includes(name)) await symlink(join('..data', name), join(this.#path, name));
  }
}

function isSame(one: Payload, other: Payload): boolean {
  if (one.size !== other.size) return false;
  for (const [path, { content, mode }] of one) {
    const known = other.get(path);
    if (known === undefined || known.mode !== mode) return false;
    if (known.content !== content && !known.content.equals(content)) return false;
  }
  return true;
}
