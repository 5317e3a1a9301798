import { chmod, chown, lstat, mkdir, readdir } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ApiClient } from '../api-client.ts';
import { AtomicFolder } from './atomic-folder.ts';
import type { Mount } from './container-script.ts';
import { ConfigError, expand } from './environment.ts';
import { isFromApi, volumePayload } from './payload.ts';
import type { PayloadContext } from './payload.ts';
import type { Claim, Container, PersistentVolume, Volume } from './types.ts';

/** The volumes of one Pod as folders on the machine. */
export class PodVolumes {
  readonly #folder: string;
  readonly #client: ApiClient;
  readonly #context: PayloadContext;
  readonly #paths = new Map<string, string>();
  readonly #atomic = new Map<Volume, AtomicFolder>();

  constructor(folder: string, client: ApiClient, context: PayloadContext) {
    this.#folder = folder;
    this.#client = client;
    this.#context = context;
  }

  /** Makes all volumes. Throws ConfigError while something that they need is missing; safe to repeat. */
  async prepare(): Promise<void> {
    for (const volume of this.#context.pod.spec.volumes ?? []) {
      if (isFromApi(volume)) await this.#write(volume);
      else this.#paths.set(volume.name, await this.#plain(volume));
    }
  }

  /** Brings files that come from the API up to date. @returns names of the volumes that changed */
  async refresh(): Promise<string[]> {
    const changed: string[] = [];
    for (const volume of this.#atomic.keys()) if (await this.#write(volume)) changed.push(volume.name);
    return changed;
  }

  /** The container's mounts, outer ones first. */
  mounts(container: Container, env: Record<string, string>): Mount[] {
    return (container.volumeMounts ?? [])
      .map(({ name, mountPath, subPath, readOnly }) => {
        const path = this.#paths.get(name);
        if (path === undefined) throw new ConfigError(`no volume "${name}"`);
        const volume = this.#context.pod.spec.volumes?.find((v) => v.name === name);
        return {
          source: subPath === undefined || subPath === '' ? path : join(path, expand(subPath, env)),
          target: mountPath,
          readOnly: readOnly === true || (volume !== undefined && isFromApi(volume)),
        };
      })
      .toSorted((a, b) => a.target.length - b.target.length);
  }

  async #write(volume: Volume): Promise<boolean> {
    const path = join(this.#folder, 'volumes', volume.name);
    const folder = this.#atomic.get(volume) ?? new AtomicFolder(path, this.#group);
    const changed = await folder.write(await volumePayload(volume, this.#context));
    this.#atomic.set(volume, folder);
    this.#paths.set(volume.name, path);
    return changed;
  }

  get #group(): number | undefined {
    return this.#context.pod.spec.securityContext?.fsGroup;
  }

  async #plain(volume: Volume): Promise<string> {
    if (volume.hostPath !== undefined) return volume.hostPath.path;
    if (volume.persistentVolumeClaim !== undefined)
      return this.#claim(volume.persistentVolumeClaim.claimName);
    const path = join(this.#folder, 'volumes', volume.name);
    if (volume.emptyDir === undefined)
      throw new ConfigError(`volume "${volume.name}" is of a kind that is not supported`);
    if (existsSync(path)) return path;
    await mkdir(path, { recursive: true });
    await chmod(path, 0o777);
    if (this.#group !== undefined) await own(path, this.#group);
    return path;
  }

  async #claim(name: string): Promise<string> {
    const namespace = this.#context.pod.metadata.namespace ?? '';
    const path = `/api/v1/namespaces/${namespace}/persistentvolumeclaims/${name}`;
    const claim = await this.#client.call<Claim>('GET', path, undefined, { allowed: [404] });
    if (claim === undefined) throw new ConfigError(`persistentvolumeclaim "${name}" not found`);
    if (claim.status?.phase !== 'Bound')
      throw new ConfigError(`persistentvolumeclaim "${name}" is not bound`);
    const volume = await this.#client.get<PersistentVolume>(
      `/api/v1/persistentvolumes/${claim.spec.volumeName}`,
    );
    const folder = volume.spec.hostPath?.path;
    if (folder === undefined)
      throw new ConfigError(`persistentvolume "${claim.spec.volumeName}" is not of this node`);
    if (this.#group !== undefined) await own(folder, this.#group);
    return folder;
  }
}

/** What a kubelet does for fsGroup: the group owns everything, may read and write, and new files inherit it. */
async function own(path: string, group: number): Promise<void> {
  const stat = await lstat(path);
  if (stat.isSymbolicLink()) return;
  await chown(path, stat.uid, group);
  await chmod(path, (stat.mode & 0o7777) | (stat.isDirectory() ? 0o2770 : 0o660));
  if (!stat.isDirectory()) return;
  for (const name of await readdir(path)) await own(join(path, name), group);
}
