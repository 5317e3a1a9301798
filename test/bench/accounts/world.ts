/** The installation that a row runs on: operator, workspaces with plans, and a relay with one pod or with two. */
import { setTimeout as sleep } from 'node:timers/promises';
import { PlanLimits, type KubeClient } from '../../../operator/kube/index.ts';
import { KubeClient as Client, loadConnection } from '../../../operator/kube/index.ts';
import { NAMESPACE } from '../../../operator/install/index.ts';
import {
  get,
  install,
  isReady,
  kind,
  namespace,
  relay,
  type Installation,
} from '../../integration/operator/support/installation.ts';
import { sharedStore } from '../../support/shared-store.ts';
import { MAX_ACCOUNTS, WORKSPACES, workspaceName } from './places.ts';

/** Two pods on PostgreSQL; one with embedded storage. */
export const LAYOUTS = ['two', 'one'] as const;
export type Layout = (typeof LAYOUTS)[number];

/** The relay of every row. */
export const RELAY = { namespace: NAMESPACE, name: 'main' };

/** A controller manager looks for new kinds of objects to count every half a minute or so. */
const QUOTA_MS = 300_000;

export interface World {
  installation: Installation;
  client: KubeClient;
  caBundle: string;
  stop: () => Promise<void>;
}

export async function buildWorld(layout: Layout, workspaces = WORKSPACES): Promise<World> {
  const installation = await install({ env: { LOG_LEVEL: 'warn' } });
  try {
    const { cluster } = installation;
    const store = layout === 'two' ? await sharedStore(cluster) : undefined;
    await relay(installation, RELAY.name, store?.spec ?? {});
    const client = new Client(await loadConnection(cluster.kubeconfig));
    const names = Array.from({ length: workspaces }, (_, i) => workspaceName(i));
    await Promise.all(names.map((name) => workspace(installation, client, name)));
    const { status } = await get(cluster, 'SmtpRelay', RELAY.namespace, RELAY.name);
    const stop = async (): Promise<void> => {
      await client.close();
      await store?.stop();
      await installation.stop();
    };
    const bundle = status?.['caBundle'];
    return { installation, client, caBundle: typeof bundle === 'string' ? bundle : '', stop };
  } catch (error) {
    await installation.stop();
    throw error;
  }
}

/** With its quota counting: accounts are refused until then. */
async function workspace({ cluster }: Installation, client: KubeClient, name: string): Promise<void> {
  await namespace(cluster, name);
  await client.create(PlanLimits, kind('PlanLimit', name, 'plan', { maxAccounts: MAX_ACCOUNTS }) as never);
  // Asked seldom: twenty of these wait side by side.
  for (let waitedMs = 0; ; waitedMs += 1000) {
    if (isReady(await get(cluster, 'PlanLimit', name, 'plan'))) return;
    if (waitedMs > QUOTA_MS) throw new Error(`the quota of ${name} does not count`);
    await sleep(1000);
  }
}
