/** The admin API of any relay, from any replica of the operator: reading only. */
import type { SmtpRelay } from '../api/index.ts';
import { BY_RELAY, type Caches } from '../caches.ts';
import { adminIdentity, namesOf } from '../kinds/smtp-relay/index.ts';
import { Secrets, type KubeClient, type Pod } from '../kube/index.ts';
import { AdminClient, AdminError } from '../projection/index.ts';
import { keyOf, type Key } from '../runtime/index.ts';
import { Failure } from './failure.ts';

interface Reader {
  client: AdminClient;
  /** Of the relay object; a relay that was made anew has another authority. */
  uid: string | undefined;
  madeAt: number;
}

/** A replaced authority is taken up after this, or after the first failure. */
const TRUSTED_MS = 10 * 60_000;

export class RelayReaders {
  readonly #client: KubeClient;
  readonly #caches: Caches;
  readonly #readers = new Map<string, Reader>();

  constructor(client: KubeClient, caches: Caches) {
    this.#client = client;
    this.#caches = caches;
  }

  /** Ask one pod that is ready, another one when it fails. */
  async ask<T>(relayKey: Key, question: (admin: AdminClient) => Promise<T>): Promise<T> {
    const relay = this.#caches.relays.get(relayKey);
    const addresses = this.#caches.pods.byIndex(BY_RELAY, relayKey).filter(isServing).map(addressOf);
    for (const address of relay === undefined ? [] : addresses) {
      for (const attempt of ['first', 'anew']) {
        try {
          return await question(await this.#reader(relay!, address, attempt === 'anew'));
        } catch (error) {
          if (error instanceof AdminError && error.status === 400) {
            throw new Failure(
              400,
              'BadRequest',
              'the relay does not understand this query: see cursor and limit',
            );
          }
          // The pod may be going, or its authority new: once more, then the next one.
        }
      }
    }
    throw new Failure(503, 'RelayUnavailable', `no pod of SmtpRelay ${relayKey} answers: try again later`);
  }

  async #reader(relay: SmtpRelay, address: string, mustBeNew: boolean): Promise<AdminClient> {
    const id = `${keyOf(relay)} ${address}`;
    const known = this.#readers.get(id);
    const isGood = known?.uid === relay.metadata.uid && performance.now() - (known?.madeAt ?? 0) < TRUSTED_MS;
    if (known !== undefined && isGood && !mustBeNew) return known.client;
    const { namespace, adminAuthority } = namesOf(relay);
    const identity = await adminIdentity(
      await this.#client.find(Secrets, { namespace, name: adminAuthority }),
    );
    const client = new AdminClient(address, identity);
    this.#readers.set(id, { client, uid: relay.metadata.uid, madeAt: performance.now() });
    void known?.client.close();
    this.#forgetOld();
    return client;
  }

  #forgetOld(): void {
    for (const [id, { client, madeAt }] of this.#readers) {
      if (performance.now() - madeAt < 2 * TRUSTED_MS) continue;
      this.#readers.delete(id);
      void client.close();
    }
  }
}

function isServing({ metadata, status }: Pod): boolean {
  const isReady = status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
  return isReady === true && metadata.deletionTimestamp === undefined && (status?.podIP ?? '') !== '';
}

function addressOf({ status }: Pod): string {
  return status!.podIP!;
}
