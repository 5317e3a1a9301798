/** `terraform destroy`, and what is left of what it made: nothing. */
import type { App } from './app.ts';
import { terraform } from './terraform.ts';
import { WORKSPACE, type World } from './world.ts';

interface Item {
  metadata: {
    name: string;
    uid: string;
    namespace?: string;
    ownerReferences?: { kind: string; uid: string }[];
  };
}

const KINDS = ['smtprelays', 'smtpaccounts', 'verifieddomains', 'planlimits', 'testmessages'];

/** Kinds of objects that the product makes for what is declared. */
const MADE: [group: string, plural: string][] = [
  ['/apis/apps/v1', 'deployments'],
  ['/api/v1', 'services'],
  ['/api/v1', 'secrets'],
  ['/api/v1', 'configmaps'],
  ['/api/v1', 'persistentvolumeclaims'],
  ['/api/v1', 'resourcequotas'],
  ['/api/v1', 'pods'],
];

export async function destroy(world: World, app: App): Promise<void> {
  const { steps, cluster } = world;
  await steps.run('terraform destroy leaves nothing of what it made', async (note) => {
    await cluster.kubectl(['delete', '-f', app.manifests]);
    const output = await terraform(['destroy', '-input=false', '-auto-approve'], app.terraform);
    note(/Destroy complete![^\n]*/.exec(output)?.[0] ?? 'destroyed');
    const left = await cluster
      .waitFor('an empty workspace', async () => (await leftovers(world)).length === 0 && [], 30_000)
      .catch(() => leftovers(world));
    if (left.length > 0) throw new Error(`left in ${WORKSPACE}: ${left.join(', ')}`);
    note(`the workspace ${WORKSPACE} holds what Kubernetes itself puts into a namespace, and nothing else`);
  });
}

/** Objects in the workspace that Kubernetes does not put into every namespace. */
async function leftovers(world: World): Promise<string[]> {
  const kinds = KINDS.map((plural): [string, string] => ['/apis/migosmtp.com/v1alpha1', plural]);
  const found: string[] = [];
  for (const [group, plural] of [...kinds, ...MADE]) {
    const list = await world.cluster.api.get<{ items: Item[] }>(`${group}/namespaces/${WORKSPACE}/${plural}`);
    found.push(
      ...list.items
        .filter((item) => !isKubernetesOwn(plural, item))
        .map((item) => `${plural}/${item.metadata.name}`),
    );
  }
  return found;
}

function isKubernetesOwn(plural: string, item: Item): boolean {
  const { name } = item.metadata;
  return (
    (plural === 'secrets' && /-token-[a-z0-9]+$/.test(name)) ||
    (plural === 'configmaps' && name === 'kube-root-ca.crt')
  );
}
