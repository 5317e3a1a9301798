/** Installs the operator as a user would: the files of operator/chart, applied by kubectl. */
import { OPERATOR_NAMESPACE, type World } from './world.ts';

/** Apply the install files and return when two replicas are ready and one of them leads. */
export async function installOperator(world: World): Promise<void> {
  const { cluster, steps } = world;
  await steps.run(
    'operator: two replicas under its own ServiceAccount, from the files that users install',
    async (note) => {
      // Before 1.25 the API server does not know CEL rules, and kubectl's own check refuses what it does not know.
      const validate = hasCel(cluster.record.version) ? [] : ['--validate=false'];
      await cluster.kubectl([
        'apply',
        ...validate,
        '-f',
        'operator/chart/crds',
        '-f',
        'operator/chart/install.yaml',
      ]);
      note('kubectl apply -f operator/chart/crds -f operator/chart/install.yaml');
      await cluster.waitFor('the operator', async () => (await replicas(world)) === 2, 60_000);
      note(`2 of 2 replicas ready in namespace ${OPERATOR_NAMESPACE}`);
    },
  );
}

function hasCel(version: string): boolean {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  return major > 1 || minor >= 25;
}

async function replicas(world: World): Promise<number> {
  const list = await world.cluster.api.get<{ items: { status?: { readyReplicas?: number } }[] }>(
    `/apis/apps/v1/namespaces/${OPERATOR_NAMESPACE}/deployments`,
  );
  return list.items[0]?.status?.readyReplicas ?? 0;
}
