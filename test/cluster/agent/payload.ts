import type { ApiClient } from '../api-client.ts';
import type { Payload } from './atomic-folder.ts';
import { ConfigError, fieldOf } from './environment.ts';
import type { ReferredObjects } from './objects.ts';
import type { KeyToPath, Pod, Volume, VolumeSource } from './types.ts';

export interface PayloadContext {
  pod: Pod;
  address: string;
  objects: ReferredObjects;
  tokens: TokenSource;
}

/** True for volumes whose files come from the API. */
export function isFromApi(volume: Volume): boolean {
  const { secret, configMap, downwardAPI, projected } = volume;
  return [secret, configMap, downwardAPI, projected].some((source) => source !== undefined);
}

/** Files of a Secret, ConfigMap, downwardAPI or projected volume, as they should be now. */
export async function volumePayload(volume: Volume, context: PayloadContext): Promise<Payload> {
  const payload: Payload = new Map();
  if (volume.projected === undefined) {
    const mode = (volume.secret ?? volume.configMap ?? volume.downwardAPI)?.defaultMode ?? 0o644;
    await add(payload, volume, mode, context);
  }
  for (const source of volume.projected?.sources ?? []) {
    await add(payload, source, volume.projected?.defaultMode ?? 0o644, context);
  }
  return payload;
}

async function add(
  payload: Payload,
  source: VolumeSource,
  mode: number,
  context: PayloadContext,
): Promise<void> {
  const { pod, objects } = context;
  const namespace = pod.metadata.namespace ?? '';
  if (source.secret !== undefined) {
    const name = source.secret.secretName ?? source.secret.name ?? '';
    const object = await objects.secret(namespace, name);
    const data = object === undefined ? undefined : buffers(object.data, 'base64');
    select(payload, `secret "${name}"`, data, { ...source.secret, mode });
  }
  if (source.configMap !== undefined) {
    const object = await objects.configMap(namespace, source.configMap.name);
    const data =
      object === undefined
        ? undefined
        : new Map([...buffers(object.data, 'utf8'), ...buffers(object.binaryData, 'base64')]);
    select(payload, `configmap "${source.configMap.name}"`, data, { ...source.configMap, mode });
  }
  for (const item of source.downwardAPI?.items ?? []) {
    const value = item.fieldRef === undefined ? '0' : fieldOf(pod, item.fieldRef.fieldPath, context.address);
    payload.set(item.path, { content: Buffer.from(value), mode: item.mode ?? mode });
  }
  if (source.serviceAccountToken !== undefined) {
    const { path, audience, expirationSeconds } = source.serviceAccountToken;
    const token = await context.tokens.token(pod, audience, expirationSeconds ?? 3600);
    payload.set(path, { content: Buffer.from(token), mode });
  }
}

/** What an object holds, decoded once: it is replaced, never changed, and its Pods look at it again and again. */
const decoded = new WeakMap<object, Map<string, Buffer>>();

function buffers(data: Record<string, string> | undefined, encoding: BufferEncoding): Map<string, Buffer> {
  if (data === undefined) return new Map();
  let known = decoded.get(data);
  if (known === undefined) {
    known = new Map(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, encoding)]));
    decoded.set(data, known);
  }
  return known;
}

function select(
  payload: Payload,
  what: string,
  data: Map<string, Buffer> | undefined,
  options: { items?: KeyToPath[]; optional?: boolean; mode: number },
): void {
  if (data === undefined) {
    if (options.optional === true) return;
    throw new ConfigError(`${what} not found`);
  }
  const items = options.items ?? [...data.keys()].map((key): KeyToPath => ({ key, path: key }));
  for (const { key, path, mode } of items) {
    const content = data.get(key);
    if (content !== undefined) payload.set(path, { content, mode: mode ?? options.mode });
    else if (options.optional !== true) throw new ConfigError(`${what} has no key "${key}"`);
  }
}

/** Tokens bound to a Pod, asked for anew when four fifths of their life are over. */
export class TokenSource {
  readonly #client: ApiClient;
  readonly #issued = new Map<string, { token: string; renewAt: number }>();

  constructor(client: ApiClient) {
    this.#client = client;
  }

  async token(pod: Pod, audience: string | undefined, seconds: number): Promise<string> {
    const { name, namespace, uid } = pod.metadata;
    const key = `${uid}/${audience ?? ''}/${seconds}`;
    const known = this.#issued.get(key);
    if (known !== undefined && Date.now() < known.renewAt) return known.token;
    const account = pod.spec.serviceAccountName ?? 'default';
    const answer = await this.#client.call<{ status: { token: string } }>(
      'POST',
      `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`,
      {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        metadata: {},
        spec: {
          ...(audience === undefined ? {} : { audiences: [audience] }),
          expirationSeconds: Math.max(600, seconds),
          boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
        },
      },
    );
    if (answer === undefined) throw new ConfigError(`no token for service account "${account}"`);
    this.#issued.set(key, { token: answer.status.token, renewAt: Date.now() + seconds * 800 });
    return answer.status.token;
  }

  forget(pod: Pod): void {
    for (const key of this.#issued.keys())
      if (key.startsWith(`${pod.metadata.uid}/`)) this.#issued.delete(key);
  }
}
