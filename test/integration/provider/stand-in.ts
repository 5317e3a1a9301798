import type { ApiClient, KubeObject } from '../../cluster/index.ts';

const API = '/apis/migosmtp.com/v1alpha1';

export interface CustomObject extends KubeObject {
  spec: Record<string, unknown>;
  status?: Record<string, unknown>;
}

export function objectPath(plural: string, name: string, namespace = 'default'): string {
  return `${API}/namespaces/${namespace}/${plural}/${name}`;
}

export function condition(
  type: string,
  status: string,
  generation: number,
  reason = 'Test',
  message = 'as told by the test',
): object {
  const lastTransitionTime = new Date().toISOString().replace(/\.\d+/, '');
  return { type, status, reason, message, observedGeneration: generation, lastTransitionTime };
}

/** Writes a status as the operator would, for the generation that the object has now. */
export async function writeStatus(
  api: ApiClient,
  plural: string,
  name: string,
  status: (object: CustomObject) => object,
  namespace = 'default',
): Promise<void> {
  const path = objectPath(plural, name, namespace);
  const object = await api.get<CustomObject>(path);
  const generation = object.metadata.generation ?? 0;
  const full = { observedGeneration: generation, ...status(object) };
  await api.call('PATCH', `${path}/status`, { status: full }, { patch: 'merge' });
}

/** Status of each kind once all is well. */
const READY: Record<string, (object: CustomObject) => object> = {
  smtprelays: () => ({ address: 'mail.example.com', replicas: 1, readyReplicas: 1, caBundle: 'PEM' }),
  smtpaccounts: ({ metadata, spec }) => {
    const rotation = (spec['rotation'] ?? {}) as { revision?: number; resetRevision?: number };
    return {
      username: 'smtpuser_0a1b2c3d',
      host: 'mail.example.com',
      ports: { starttls: 587, tls: 465 },
      binding: { name: `${metadata.name}-smtp` },
      relayRef: { name: 'main', namespace: 'default' },
      credentials: {
        revision: 1 + (rotation.revision ?? 0) + (rotation.resetRevision ?? 0),
        issuedAt: '2026-01-01T00:00:00Z',
        answered: { rotation: rotation.revision ?? 0, reset: rotation.resetRevision ?? 0 },
      },
    };
  },
  verifieddomains: ({ spec }) => ({
    domain: spec['domain'],
    dnsRecords: {
      ownership: dnsRecord(`_migosmtp.${String(spec['domain'])}`, 'token'),
      dkim: dnsRecord(`migo1._domainkey.${String(spec['domain'])}`, 'v=DKIM1; p=AAAA'),
      spf: dnsRecord(String(spec['domain']), 'v=spf1 a:mail.example.com -all'),
    },
  }),
  planlimits: () => ({ hard: { accounts: 5 }, used: { accounts: 0 } }),
  testmessages: () => ({ phase: 'Delivered', messageId: '<1@example.com>', response: '250 ok' }),
};

function dnsRecord(name: string, value: string): object {
  return { type: 'TXT', name, value, state: 'Pending' };
}

/**
 * Answers new generations with Ready, in the operator's place: these tests are about the provider, and the
 * API server is the real one.
 */
export class StandIn {
  readonly #api: ApiClient;
  readonly #stop = new AbortController();
  readonly #loops: Promise<void>[];
  #failure: unknown;
  /** When Ready was written last, by object name. */
  readonly readyAt = new Map<string, number>();
  /** Pause before an answer. */
  delayMs = 0;

  constructor(api: ApiClient) {
    this.#api = api;
    this.#loops = Object.keys(READY).map((plural) => this.#follow(plural));
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#loops);
    if (this.#failure) throw new Error('the stand-in failed', { cause: this.#failure });
  }

  async #follow(plural: string): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const path = `${API}/${plural}?watch=true&timeoutSeconds=300`;
      try {
        for await (const { type, object } of this.#api.watch<CustomObject>(path, this.#stop.signal)) {
          if (type === 'ADDED' || type === 'MODIFIED') await this.#answer(plural, object);
        }
      } catch (cause) {
        if (this.#stop.signal.aborted) return;
        // A refusal of what this class writes is a mistake in it: told by stop().
        this.#failure ??= cause;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  async #answer(plural: string, object: CustomObject): Promise<void> {
    const { name, namespace = 'default', generation = 0, annotations } = object.metadata;
    if (object.status?.['observedGeneration'] === generation || annotations?.['test/silent']) return;
    if (this.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.delayMs));
    const status = {
      observedGeneration: generation,
      ...READY[plural]?.(object),
      conditions: [condition('Ready', 'True', generation)],
    };
    await this.#api.call(
      'PATCH',
      `${objectPath(plural, name, namespace)}/status`,
      { status },
      {
        patch: 'merge',
        allowed: [404],
      },
    );
    this.readyAt.set(name, Date.now());
  }
}
