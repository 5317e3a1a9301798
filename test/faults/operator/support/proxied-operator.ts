/**
 * The operator as a child of the test, in the cluster's network, with a proxy between it and the API server that fails
 * on demand and can end the operator at any request.
 * Role: what every fault of the API server and every kill is shown with. Limits: one operator; it is administrator, so
 * that its own rights are not what is tested.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NAMESPACE } from '../../../../operator/install/index.ts';
import { repository } from '../../../cluster/images.ts';
import { FaultyApi } from '../../../integration/operator/support/faulty-api.ts';
import { install, type Installation } from '../../../integration/operator/support/installation.ts';
import type { Armed } from './killed-at-each.ts';

const PORT = 6443;
const LEASE = `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases/migosmtp-operator`;
const node = join(repository, 'node_modules/node/bin/node');

export class ProxiedOperator {
  readonly world: Installation;
  readonly api: FaultyApi;
  /** How often it has ended by itself and was started again, as a kubelet does it. */
  restarts = 0;
  readonly #kubeconfig: string;
  #child: ChildProcess | undefined;

  private constructor(world: Installation, api: FaultyApi, kubeconfig: string) {
    this.world = world;
    this.api = api;
    this.#kubeconfig = kubeconfig;
  }

  /** A cluster whose installed operator has no pods; this one runs instead. */
  static async start(): Promise<ProxiedOperator> {
    const world = await install({ replicas: 0 });
    let operator: ProxiedOperator | undefined;
    try {
      const { cluster } = world;
      const folder = await cluster.temporaryFolder('proxy');
      await chmod(folder, 0o755);
      const socket = join(folder, 'api.sock');
      const api = await FaultyApi.start(cluster.kubeconfig, socket);
      const address = await cluster.addAddress();
      const forwarder = join(repository, 'test/support/forwarder.ts');
      await cluster.startServer('api-forwarder', [node, forwarder, address, String(PORT), socket]);
      const kubeconfig = join(folder, 'kubeconfig');
      await writeFile(kubeconfig, kubeconfigFor(`http://${address}:${PORT}`));
      operator = new ProxiedOperator(world, api, kubeconfig);
      await operator.run();
      return operator;
    } catch (error) {
      await (operator ?? world).stop();
      throw error;
    }
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Starts it and returns when it has the lease. */
  async run(): Promise<void> {
    await this.#spawn();
    const { cluster } = this.world;
    await cluster.waitFor(
      'the lease',
      async () => {
        const { body } = await cluster.api.send<{ spec?: { holderIdentity?: string } }>('GET', LEASE);
        return (body.spec?.holderIdentity ?? '') !== '';
      },
      60_000,
    );
  }

  async #spawn(): Promise<void> {
    const { cluster, dns } = this.world;
    const env = {
      ...process.env,
      KUBECONFIG: this.#kubeconfig,
      DNS_SERVERS: dns.address,
      LOG_LEVEL: 'warn',
      // Looks at Secrets of accounts that a test has done with would count as its steps.
      SECRET_CHECK_SECONDS: '600',
      // It listens on every address of the cluster's root network: RelayProxy needs the port of relays' admin API.
      REPORTS_PORT: '8444',
    };
    const stdio = [
      'ignore',
      process.env['SHOW_OPERATOR'] === undefined ? 'ignore' : 'inherit',
      'inherit',
    ] as const;
    const child = await cluster.spawn([node, join(repository, 'operator/main.ts')], {
      env,
      stdio: [...stdio],
    });
    this.#child = child;
    child.once('exit', (_, signal) => {
      // A process that starves may lose its lease and end: that is not what is tested.
      if (this.#child !== child || signal === 'SIGKILL') return;
      this.restarts++;
      void this.#spawn();
    });
  }

  /** kill -9, in the midst of something; `kill` tidies up after it. */
  strike(): void {
    this.#child?.kill('SIGKILL');
  }

  /** kill -9, at once. Its lease goes too: how long a crashed holder keeps it is another test's matter. */
  async kill(): Promise<void> {
    const child = this.#child;
    const isRunning = this.isRunning;
    this.#child = undefined;
    if (child !== undefined && isRunning) {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
    await this.world.cluster.api.send('DELETE', LEASE);
  }

  /**
   * Kills it at its n-th request from now on that reads or writes an object by name. `before`: the server never sees
   * that request; `after`: it has acted, and the answer is lost. Resolves to false when `disarm` came first.
   */
  armKill(n: number, moment: 'before' | 'after', isStep = isStepOfAccount): Armed {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    let count = 0;
    const isIt = (request: { method: string; url: string }): boolean => isStep(request) && ++count === n;
    const strike = (): void => {
      this.strike();
      disarm(true);
    };
    const disarm = (isKilled = false): void => {
      this.api.fault = () => undefined;
      this.api.lose = () => false;
      resolve(isKilled);
    };
    if (moment === 'before') {
      this.api.fault = (request) => {
        if (!isIt(request)) return undefined;
        strike();
        return 'silence';
      };
    } else {
      this.api.lose = (request) => {
        if (!isIt(request)) return false;
        strike();
        return true;
      };
    }
    return { killed: promise, disarm: () => disarm() };
  }

  async stop(): Promise<void> {
    await this.kill().catch(() => undefined);
    await this.api.stop();
    await this.world.stop();
  }
}

/** Leases, events, lists and watches are no steps of a reconcile. */
function isStepOfAccount(request: { method: string; url: string }): boolean {
  return isWrite(request) || /\/(secrets|smtpaccounts)\/[^/?]+/.test(request.url);
}

/** What changes something in the cluster. */
export function isWrite({ method, url }: { method: string; url: string }): boolean {
  return method !== 'GET' && !/\/(leases|events)\b/.test(url);
}

function kubeconfigFor(server: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'proxy', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'nobody', user: {} }],
    contexts: [{ name: 'proxy', context: { cluster: 'proxy', user: 'nobody', namespace: NAMESPACE } }],
    'current-context': 'proxy',
  });
}
