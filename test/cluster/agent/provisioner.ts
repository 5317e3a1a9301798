import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ApiClient } from '../api-client.ts';
import { log, reason } from './log.ts';
import { Reflector } from './reflector.ts';
import type { Claim, PersistentVolume } from './types.ts';

const provisioner = 'migosmtp.com/local';
const className = 'local';

/** Makes a folder for each claim of the default StorageClass; the API server's own controller does the binding. */
export class Provisioner {
  readonly #client: ApiClient;
  readonly #folder: string;
  readonly #volumes: Reflector<PersistentVolume>;

  constructor(client: ApiClient, folder: string) {
    this.#client = client;
    this.#folder = join(folder, 'claims');
    this.#volumes = new Reflector<PersistentVolume>(client, '/api/v1/persistentvolumes');
    this.#volumes.on('change', (volume, what) => {
      if (what === 'set' && volume.status?.phase === 'Released') this.#quietly(this.#reclaim(volume));
    });
    const claims = new Reflector<Claim>(client, '/api/v1/persistentvolumeclaims');
    claims.on('change', (claim, what) => {
      const isOurs = claim.spec.storageClassName === className && (claim.spec.volumeName ?? '') === '';
      if (what === 'set' && isOurs && claim.metadata.deletionTimestamp === undefined)
        this.#quietly(this.#provide(claim));
    });
  }

  async register(): Promise<void> {
    const storageClass = {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: className, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
      provisioner,
      reclaimPolicy: 'Delete',
      volumeBindingMode: 'Immediate',
    };
    await this.#client.call('POST', '/apis/storage.k8s.io/v1/storageclasses', storageClass, {
      allowed: [409],
    });
  }

  async #provide(claim: Claim): Promise<void> {
    const { namespace, name, uid } = claim.metadata;
    const volumeName = `pvc-${uid}`;
    const path = join(this.#folder, volumeName);
    // Owned by root and closed to others, as a fresh disk is: who runs as another user needs an fsGroup.
    mkdirSync(path, { recursive: true, mode: 0o755 });
    const volume = {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: volumeName, annotations: { 'pv.kubernetes.io/provisioned-by': provisioner } },
      spec: {
        capacity: { storage: claim.spec.resources?.requests?.storage ?? '1Gi' },
        accessModes: claim.spec.accessModes ?? ['ReadWriteOnce'],
        persistentVolumeReclaimPolicy: 'Delete',
        storageClassName: className,
        hostPath: { path },
        claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid },
      },
    };
    await this.#client.call('POST', '/api/v1/persistentvolumes', volume, { allowed: [409] });
  }

  async #reclaim(volume: PersistentVolume): Promise<void> {
    const isOurs = volume.metadata.annotations?.['pv.kubernetes.io/provisioned-by'] === provisioner;
    if (!isOurs || volume.spec.persistentVolumeReclaimPolicy !== 'Delete') return;
    await rm(join(this.#folder, volume.metadata.name), { recursive: true, force: true });
    await this.#client.call('DELETE', `/api/v1/persistentvolumes/${volume.metadata.name}`, undefined, {
      allowed: [404],
    });
  }

  #quietly(work: Promise<void>): void {
    work.catch((error: unknown) => log('claim failed', { reason: reason(error) }));
  }
}
