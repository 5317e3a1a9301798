/** Writes of shards that overlap, get lost on the way, or meet somebody else's. */
import { describe, expect, test } from '@jest/globals';
import { API_VERSION, relayApi, type SmtpRelay } from '../api/index.ts';
import { KubeError, type KubeClient, type Ref, type Secret } from '../kube/index.ts';
import { createLog } from '../runtime/index.ts';
import { shardOf } from './entries.ts';
import { shardSecretName } from './shard-secrets.ts';
import { ShardSet } from './shard-set.ts';

const relay: SmtpRelay = {
  apiVersion: API_VERSION,
  kind: 'SmtpRelay',
  metadata: { name: 'main', namespace: 'system', uid: 'u' },
  spec: { delivery: { direct: {} } },
};
const KEY = 'team/app';
const SHARD = shardOf('accounts', KEY);
const NAME = shardSecretName('main', SHARD);

const entry = (username: string): relayApi.AccountConfig => ({
  id: 'a',
  namespace: 'team',
  name: 'app',
  username,
  verifiers: [],
  allowedSenders: [],
  limits: { onWindowLimit: 'Queue' },
  suspended: false,
});

/** Secrets as an API server keeps them: versions, conflicts, writes that take their time. */
class Stored {
  readonly secrets = new Map<string, Secret>();
  #version = 0;
  /** Called before a replacement is stored, and after. */
  onReplace: (step: 'before' | 'after') => Promise<void> = () => Promise.resolve();

  readonly client = {
    find: (_: unknown, { name }: Ref) => Promise.resolve(this.secrets.get(name)),
    create: (_: unknown, secret: Secret) => {
      if (this.secrets.has(secret.metadata.name)) throw refused('Conflict', 409);
      return Promise.resolve(this.put(secret));
    },
    replace: async (_: unknown, secret: Secret) => {
      await this.onReplace('before');
      const present = this.secrets.get(secret.metadata.name);
      if (present?.metadata.resourceVersion !== secret.metadata.resourceVersion)
        throw refused('Conflict', 409);
      const written = this.put(secret);
      await this.onReplace('after');
      return written;
    },
    remove: (_: unknown, { name }: Ref, { uid }: { uid: string }) => Promise.resolve(this.collect(name, uid)),
  } as unknown as KubeClient;

  /** As the garbage collector does: by uid. */
  collect(name: string, uid: string): boolean {
    return this.secrets.get(name)?.metadata.uid === uid && this.secrets.delete(name);
  }

  put(secret: Secret): Secret {
    const resourceVersion = String(++this.#version);
    const uid = this.secrets.get(secret.metadata.name)?.metadata.uid ?? `uid-${resourceVersion}`;
    const metadata = { ...secret.metadata, uid, resourceVersion };
    const written = { ...secret, metadata };
    this.secrets.set(secret.metadata.name, written);
    return written;
  }

  get document(): relayApi.Shard {
    const data = this.secrets.get(NAME)?.data?.[relayApi.SHARD_SECRET_KEY] ?? '';
    return JSON.parse(Buffer.from(data, 'base64').toString()) as relayApi.Shard;
  }
}

const refused = (kind: 'Conflict' | 'Unknown', status: number): KubeError =>
  new KubeError('refused', { kind, status, reason: kind });

const openFor = (stored: Stored, one: SmtpRelay): Promise<ShardSet> =>
  ShardSet.open({
    client: stored.client,
    relay: one,
    log: createLog('silent'),
    onWritten: () => undefined,
  });

async function open(): Promise<{ stored: Stored; set: ShardSet }> {
  const stored = new Stored();
  const set = await openFor(stored, relay);
  await set.put('accounts', KEY, entry('first'), { isUrgent: true });
  return { stored, set };
}

describe('a shard', () => {
  test('takes back a change that is on its way when it is taken back', async () => {
    const { stored, set } = await open();
    const gate = Promise.withResolvers<void>();
    stored.onReplace = (step) => (step === 'before' ? gate.promise : Promise.resolve());
    const away = set.put('accounts', KEY, undefined, { isUrgent: true });
    const back = set.put('accounts', KEY, entry('first'), { isUrgent: true });
    gate.resolve();
    await Promise.all([away, back]);
    expect(stored.document.accounts).toEqual([entry('first')]);
    expect(stored.document.revision).toBe((await back).revision);
    set.close();
  });

  test('is written above what a pod holds, also when that is learnt while it is being written', async () => {
    const { stored, set } = await open();
    const far = set.highestRevision + 1_000;
    const gate = Promise.withResolvers<void>();
    stored.onReplace = (step) => (step === 'before' ? gate.promise : Promise.resolve());
    const written = set.put('accounts', KEY, entry('second'), { isUrgent: true });
    set.raiseAbove(SHARD, far);
    gate.resolve();
    await written;
    await set.put('accounts', KEY, entry('second'), { isUrgent: true });
    for (let turn = 0; turn < 100 && set.revisionOf(SHARD) <= far; turn++)
      await new Promise((resolve) => setImmediate(resolve));
    expect(stored.document.revision).toBeGreaterThan(far);
    set.close();
  });

  test('is what is known here, where somebody puts an old copy back', async () => {
    const { stored, set } = await open();
    const old = stored.secrets.get(NAME)!;
    await set.put('accounts', KEY, entry('second'), { isUrgent: true });
    stored.put(old);
    const beside = Array.from({ length: 500 }, (_, index) => `team/x${index}`).find(
      (key) => shardOf('accounts', key) === SHARD,
    )!;
    await set.put('accounts', beside, { ...entry('other'), name: beside.slice(5) }, { isUrgent: true });
    expect(stored.document.accounts.map(({ username }) => username)).toEqual(['second', 'other']);
    set.close();
  });

  test('of a relay that is made again is safe from the collector, who takes what the former one owned', async () => {
    const { stored, set } = await open();
    set.close();
    const former = stored.secrets.get(NAME)!.metadata.uid!;
    const again = await openFor(stored, { ...relay, metadata: { ...relay.metadata, uid: 'again' } });
    expect(stored.collect(NAME, former)).toBe(false);
    expect(stored.document.accounts).toEqual([entry('first')]);
    expect(stored.secrets.get(NAME)!.metadata.ownerReferences).toMatchObject([{ uid: 'again' }]);
    again.close();
  });

  test('without owners, as from a backup, is taken over as it is', async () => {
    const { stored, set } = await open();
    set.close();
    const restored = stored.secrets.get(NAME)!;
    stored.put({ ...restored, metadata: { ...restored.metadata, ownerReferences: [] } });
    const taken = await openFor(stored, relay);
    expect(stored.secrets.get(NAME)!.metadata.uid).toBe(restored.metadata.uid);
    expect(stored.secrets.get(NAME)!.metadata.ownerReferences).toMatchObject([{ uid: 'u' }]);
    taken.close();
  });

  test('whose write had no answer is written again', async () => {
    const { stored, set } = await open();
    let isLost = false;
    stored.onReplace = (step) => {
      if (step === 'before' || isLost) return Promise.resolve();
      isLost = true;
      return Promise.reject(refused('Unknown', 0));
    };
    const { revision } = await set.put('accounts', KEY, entry('second'), { isUrgent: true });
    expect(stored.document).toMatchObject({ revision, accounts: [entry('second')] });
    set.close();
  });
});
