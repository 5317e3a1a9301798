/** What the demo's steps share, and how all of it is taken down. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { debianPackages, startCluster, stopCluster, type Cluster } from '../../cluster/index.ts';
import { startDnsServer, type DnsServer } from '../../support/dns-server.ts';
import { startSink, type MailSink } from '../../support/mail-sink.ts';
import { startSmtpClient, type SmtpClient } from '../../support/smtp-client.ts';
import type { App } from './app.ts';
import type { Steps } from './steps.ts';

export const repository = join(import.meta.dirname, '../../..');
export const WORKSPACE = 'shop';
export const OPERATOR_NAMESPACE = 'migosmtp-system';
/** The zone that the demo's own name server holds. */
export const DOMAIN = 'shop.example';

export interface DemoOptions {
  /** Leave everything running at the end. */
  isKept: boolean;
  /** Write TRACE logs of terraform beside its state. */
  isTraced?: boolean;
  print: (line: string) => void;
  /** Called at three moments: a test looks behind the demo then. */
  onStart?: (world: World) => void;
  beforeDestroy?: (world: World, app: App) => Promise<void>;
  beforeTakeDown?: (world: World) => Promise<void>;
}

export interface World {
  steps: Steps;
  options: DemoOptions;
  cluster: Cluster;
  dns: DnsServer;
  sink: MailSink;
  /** Python's smtplib in the workspace's place on the network. */
  smtp: SmtpClient;
  /** Folder of this run: the app's code, the synthesised stack, Terraform state, logs. */
  folder: string;
}

/** Name of the demo's cluster: one demo at a time on a machine. */
const CLUSTER = 'demo';

/** Debian packages that later steps use: fetched during set-up, as a machine pays for that once. */
const FOREIGN = ['nsd', 'postfix', 'python3', 'python3-dkim', 'python3-dnspython'];

/** Control plane, name server and next hop: what a company has before it installs anything. */
export async function buildWorld(steps: Steps, options: DemoOptions): Promise<World> {
  const folder = join(repository, '.state', 'demo');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const cluster = await steps.run(
    'control plane: etcd, kube-apiserver, kube-controller-manager, node agent',
    async (note) => {
      await stopCluster(CLUSTER);
      const started = await startCluster({
        name: CLUSTER,
        outlive: options.isKept,
        kubeconfig: join(folder, 'kubeconfig'),
        mountDelayMs: 500,
        progress: note,
      });
      note(`kubectl --kubeconfig ${join('.state', 'demo', 'kubeconfig')} get pods --all-namespaces`);
      return started;
    },
    true,
  );
  try {
    return await addNeighbours(cluster, folder, steps, options);
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

async function addNeighbours(
  cluster: Cluster,
  folder: string,
  steps: Steps,
  options: DemoOptions,
): Promise<World> {
  return steps.run(
    'neighbours: an authoritative name server (nsd) and a mail server as next hop (smtp-sink)',
    async (note) => {
      for (const name of FOREIGN) await debianPackages([name], note);
      await cluster.findKubectl(note);
      const dns = await startDnsServer({ zones: [DOMAIN], cluster });
      const resolver = dns.address.split(':')[0]!;
      await cluster.configure({ resolver });
      note(`nsd answers for ${DOMAIN} on ${dns.address}; every Pod asks it`);
      const sink = await startSink(cluster);
      note(`smtp-sink takes mail on ${sink.address}:${sink.port}`);
      const smtp = await startSmtpClient(cluster, WORKSPACE);
      return { steps, options, cluster, dns, sink, smtp, folder };
    },
    true,
  );
}

/** Take everything down. */
export async function takeDown(world: World): Promise<void> {
  world.smtp.stop();
  await world.sink.stop();
  await world.dns.stop();
  await world.cluster.stop();
}
