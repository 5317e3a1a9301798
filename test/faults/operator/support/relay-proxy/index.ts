/**
 * A proxy between the operator and the pods of one relay, which ends the operator at any push of shards or login proof.
 * Flow: pods are told to the operator under addresses of the proxy (rewritten on the way from the API server); a child in
 * the cluster's network passes everything on, with certificates that the test reads from the relay's own Secrets.
 * Limits: pods that are there when it starts; the test's own logins go to the pods directly.
 */
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { NAMESPACE } from '../../../../../operator/install/index.ts';
import { signCertificate } from '../../../../../operator/pki/index.ts';
import { repository } from '../../../../cluster/images.ts';
import type { Cluster } from '../../../../cluster/index.ts';
import type { Thing } from '../../../../integration/operator/support/installation.ts';
import type { Armed } from '../killed-at-each.ts';
import type { ProxiedOperator } from '../proxied-operator.ts';
import type { Identities, Moment, Order, Said } from './protocol.ts';

const DAY_MS = 86_400_000;

export class RelayProxy {
  readonly #child: ChildProcess;
  readonly #listening = new Map<string, () => void>();
  readonly #operator: ProxiedOperator;
  #onStrike: () => void = () => undefined;

  private constructor(operator: ProxiedOperator, child: ChildProcess) {
    this.#operator = operator;
    this.#child = child;
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const said = JSON.parse(line) as Said;
      if (said.said === 'strike') this.#onStrike();
      else this.#listening.get(said.via)?.();
    });
  }

  /** Stands before the pods of a relay in the operator's namespace that is Ready; the operator is started anew. */
  static async start(operator: ProxiedOperator, relay: string): Promise<RelayProxy> {
    const { cluster } = operator.world;
    const node = join(repository, 'node_modules/node/bin/node');
    const child = await cluster.spawn([node, join(import.meta.dirname, 'child.ts')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const proxy = new RelayProxy(operator, child);
    proxy.#send({ do: 'identities', identities: await identitiesOf(cluster, relay) });
    const vias = new Map<string, string>();
    for (const pod of await podAddresses(cluster, relay)) {
      const via = await cluster.addAddress();
      vias.set(pod, via);
      await proxy.#listen(via, pod);
    }
    operator.api.rewrite = (text) =>
      text.replaceAll(/"podIP":"([0-9.]+)"/g, (whole, pod: string) => {
        const via = vias.get(pod);
        return via === undefined ? whole : `"podIP":"${via}"`;
      });
    await operator.kill();
    await operator.run();
    return proxy;
  }

  /** Kills the operator at its n-th push or login from now on; resolves to false when `disarm` came first. */
  armKill(n: number, moment: Moment): Armed {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#onStrike = () => {
      this.#operator.strike();
      resolve(true);
    };
    this.#send({ do: 'arm', n, moment });
    const disarm = (): void => {
      this.#send({ do: 'disarm' });
      resolve(false);
    };
    return { killed: promise, disarm };
  }

  stop(): void {
    this.#child.stdin?.end();
    this.#child.kill('SIGTERM');
  }

  #listen(via: string, pod: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#listening.set(via, resolve);
    this.#child.once('exit', () => reject(new Error(`the proxy ended before it listened at ${via}`)));
    this.#send({ do: 'listen', via, pod });
    return promise;
  }

  #send(order: Order): void {
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
  }
}

async function podAddresses(cluster: Cluster, relay: string): Promise<string[]> {
  const { items } = await cluster.api.get<{ items: { status: { podIP: string } }[] }>(
    `/api/v1/namespaces/${NAMESPACE}/pods?labelSelector=migosmtp.com/relay=${relay}`,
  );
  return items.map(({ status }) => status.podIP);
}

/** What pods and operator show each other, from the Secrets of the relay. */
async function identitiesOf(cluster: Cluster, relay: string): Promise<Identities> {
  const read = async (name: string): Promise<(key: string) => string> => {
    const { data } = await cluster.api.get<Thing>(`/api/v1/namespaces/${NAMESPACE}/secrets/${name}`);
    return (key) => Buffer.from(data?.[key] ?? '', 'base64').toString();
  };
  const [authority, admin, smtp] = await Promise.all(
    ['admin-ca', 'admin-tls', 'tls'].map((name) => read(`${relay}-${name}`)),
  );
  const client = await signCertificate(
    { cert: authority!('tls.crt'), key: authority!('tls.key') },
    {
      commonName: 'migosmtp-operator',
      dnsNames: [],
      usage: 'client',
      notBefore: new Date(Date.now() - DAY_MS / 24),
      notAfter: new Date(Date.now() + DAY_MS),
    },
  );
  const pair = (of: (key: string) => string) => ({ cert: of('tls.crt'), key: of('tls.key') });
  return {
    admin: pair(admin!),
    client: { ...client, ca: admin!('ca.crt') },
    smtp: { ...pair(smtp!), ca: smtp!('ca.crt'), servername: `${relay}-relay.${NAMESPACE}.svc` },
  };
}
