/** The 32 Secrets `<relay>-config-<n>` in the relay's namespace: reading, creating, replacing. */
import { API_VERSION, relayApi, type SmtpRelay } from '../api/index.ts';
import { RELAY_LABEL } from '../caches.ts';
import { Secrets, type KubeClient, type OwnerReference, type Secret } from '../kube/index.ts';

type Shard = relayApi.Shard;

export interface StoredShard {
  document: Shard;
  resourceVersion: string;
  /** Owned by this very relay object; a restored or re-created relay has another uid. */
  isOwned: boolean;
  /** UID of a Secret that only others own, such as the relay of this name that is gone. */
  collectedUid: string | undefined;
}

export function shardSecretName(relay: string, shard: number): string {
  return `${relay}-config-${shard}`;
}

export function relayOwner(relay: SmtpRelay): OwnerReference {
  return {
    apiVersion: API_VERSION,
    kind: 'SmtpRelay',
    name: relay.metadata.name,
    uid: relay.metadata.uid!,
    controller: true,
    blockOwnerDeletion: false,
  };
}

/** The stored document; undefined when there is no Secret or nothing in it that can be read. */
export async function readShard(
  client: KubeClient,
  relay: SmtpRelay,
  shard: number,
): Promise<StoredShard | { document: undefined; resourceVersion: string | undefined }> {
  const ref = { namespace: relay.metadata.namespace, name: shardSecretName(relay.metadata.name, shard) };
  const secret = await client.find(Secrets, ref);
  const text = secret?.data?.[relayApi.SHARD_SECRET_KEY];
  const document = text === undefined ? undefined : parse(text);
  const resourceVersion = secret?.metadata.resourceVersion;
  if (secret === undefined || document === undefined) return { document: undefined, resourceVersion };
  const owners = secret.metadata.ownerReferences ?? [];
  const isOwned = owners.some(({ uid }) => uid === relay.metadata.uid);
  const collectedUid = isOwned || owners.length === 0 ? undefined : secret.metadata.uid;
  return { document, resourceVersion: resourceVersion!, isOwned, collectedUid };
}

/**
 * Before it is made anew: the garbage collector may have decided about it already, and takes it by its uid, whoever owns it by
 * then. Pods that are started in between would wait for it.
 */
export async function removeShard(
  client: KubeClient,
  relay: SmtpRelay,
  shard: number,
  uid: string,
): Promise<void> {
  const ref = { namespace: relay.metadata.namespace, name: shardSecretName(relay.metadata.name, shard) };
  await client.remove(Secrets, ref, { uid });
}

/** Create the Secret, or replace exactly the version that was read. Conflict when it was changed meanwhile. */
export async function writeShard(
  client: KubeClient,
  relay: SmtpRelay,
  document: Shard,
  resourceVersion: string | undefined,
): Promise<string> {
  const secret = secretOf(relay, document);
  if (resourceVersion !== undefined) secret.metadata.resourceVersion = resourceVersion;
  const written =
    resourceVersion === undefined
      ? await client.create(Secrets, secret)
      : await client.replace(Secrets, secret, { isMetadataEnough: true });
  return written.metadata.resourceVersion!;
}

function secretOf(relay: SmtpRelay, document: Shard): Secret {
  return {
    metadata: {
      namespace: relay.metadata.namespace!,
      name: shardSecretName(relay.metadata.name, document.shard),
      labels: {
        [RELAY_LABEL]: relay.metadata.name,
        'app.kubernetes.io/managed-by': 'migosmtp-operator',
        'app.kubernetes.io/component': 'relay-config',
      },
      ownerReferences: [relayOwner(relay)],
    },
    type: 'Opaque',
    data: { [relayApi.SHARD_SECRET_KEY]: Buffer.from(JSON.stringify(document)).toString('base64') },
  };
}

/** A document that is damaged counts as absent: the pods keep what they have until it is written anew. */
function parse(base64: string): Shard | undefined {
  try {
    const result = relayApi.shardSchema.safeParse(JSON.parse(Buffer.from(base64, 'base64').toString('utf8')));
    return result.success ? result.data : undefined;
  } catch {
    return undefined;
  }
}
