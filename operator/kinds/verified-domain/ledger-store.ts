/** Reading and writing of ledgers. One writer (the leader), so what was written last is known without asking. */
import type { SmtpRelay } from '../../api/index.ts';
import { RELAY_LABEL } from '../../caches.ts';
import { isAlreadyExists, isKubeError, Secrets, type KubeClient } from '../../kube/index.ts';
import { ledgerName, ledgerSecret, readLedger, type Ledger } from './ledger.ts';

export interface LedgerOwner {
  relay: SmtpRelay;
  namespace: string;
  domain: string;
}

/** A Secret that somebody deleted or restored is noticed after this at the latest. */
const TRUSTED_MS = 60_000;

export class LedgerStore {
  readonly #client: KubeClient;
  readonly #known = new Map<string, { ledger: Ledger | undefined; readAt: number }>();

  constructor(client: KubeClient) {
    this.#client = client;
  }

  async find(owner: LedgerOwner): Promise<Ledger | undefined> {
    const ref = refOf(owner);
    const known = this.#known.get(idOf(ref));
    if (known !== undefined && performance.now() - known.readAt < TRUSTED_MS) return known.ledger;
    const secret = await this.#client.find(Secrets, ref);
    return this.#remember(ref, secret === undefined ? undefined : readLedger(secret));
  }

  /**
   * Create or replace exactly the version that was read. False: somebody else was faster; read again and decide anew.
   * Keys are created by POST, so that a stale view can never replace keys that exist.
   */
  async save(owner: LedgerOwner, ledger: Omit<Ledger, 'isOwned'>): Promise<boolean> {
    const ref = refOf(owner);
    const labels = {
      [RELAY_LABEL]: owner.relay.metadata.name,
      'app.kubernetes.io/managed-by': 'migosmtp-operator',
    };
    const secret = ledgerSecret(owner.relay, owner, ledger, labels);
    const isNew = ledger.resourceVersion === undefined;
    try {
      const written = isNew
        ? await this.#client.create(Secrets, secret)
        : await this.#client.replace(Secrets, secret);
      this.#remember(ref, readLedger(written));
      return true;
    } catch (error) {
      this.#known.delete(idOf(ref));
      if (isAlreadyExists(error) || (!isNew && isKubeError(error, 'Conflict', 'NotFound'))) return false;
      throw error;
    }
  }

  forget(owner: LedgerOwner): void {
    this.#known.delete(idOf(refOf(owner)));
  }

  #remember(ref: { namespace: string; name: string }, ledger: Ledger | undefined): Ledger | undefined {
    this.#known.set(idOf(ref), { ledger, readAt: performance.now() });
    return ledger;
  }
}

function refOf({ relay, namespace, domain }: LedgerOwner): { namespace: string; name: string } {
  return { namespace: relay.metadata.namespace!, name: ledgerName(relay.metadata.name, namespace, domain) };
}

function idOf({ namespace, name }: { namespace: string; name: string }): string {
  return `${namespace}/${name}`;
}
