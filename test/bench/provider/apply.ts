import { kind, type Thing } from '../../integration/operator/support/installation.ts';
import { conditionOf, isReady, namespace } from '../../integration/operator/support/installation.ts';
import { row, type Row } from './figures.ts';
import { USER_PATH } from './handshake.ts';
import { ProviderMemory } from './memory.ts';
import type { Sizes, Subject, World } from './world.ts';

const KUBECTL_WORKSPACE = 'bench-kubectl';
const READY_MS = 600_000;
const LOOK_AGAIN_MS = 250;

/**
 * Applies of many new objects, one after the other: terraform_data, the same accounts by kubectl until all are Ready,
 * and by the provider. The objects of terraform_data and of the provider stay for the refresh that follows.
 */
export async function applyRows(
  world: World,
  sizes: Sizes,
  progress: (line: string) => void,
): Promise<Row[]> {
  const { subjects } = world;
  const [floor, executable] = ['terraform_data', 'executable'].map((name) =>
    subjects.find((subject) => subject.name === name),
  );
  if (!floor || !executable) throw new Error('a subject is missing');
  const times: Record<'floor' | 'kubectl' | 'provider' | 'memory', number[]> = {
    floor: [],
    kubectl: [],
    provider: [],
    memory: [],
  };
  for (let round = 0; round < sizes.rounds; round += 1) {
    const say = (what: string) => progress(`apply of ${sizes.objects}, round ${round + 1}: ${what}`);
    say('terraform_data');
    await destroy(floor);
    times.floor.push((await apply(floor, sizes.objects)).ms);
    say('kubectl');
    times.kubectl.push(await kubectlUntilReady(world, sizes.objects));
    say('destroy by the executable');
    await destroy(executable);
    say('executable');
    const { ms, memoryMb } = await apply(executable, sizes.objects);
    times.provider.push(ms);
    times.memory.push(memoryMb);
  }
  return [
    row('apply many, terraform_data', 'ms', times.floor),
    row('apply many, kubectl until Ready', 'ms', times.kubectl),
    row('apply many, executable', 'ms', times.provider),
    row('apply many, memory of executable', 'MB', [Math.max(...times.memory)]),
  ];
}

async function apply(subject: Subject, count: number): Promise<{ ms: number; memoryMb: number }> {
  subject.terraform.write(subject.configuration(count));
  const memory = new ProviderMemory();
  const startedAt = performance.now();
  await subject.terraform.apply({ env: { PATH: USER_PATH }, onStart: (pid) => memory.watch(pid) });
  return { ms: performance.now() - startedAt, memoryMb: memory.stop() };
}

async function destroy({ terraform }: Subject): Promise<void> {
  await terraform.ok(['destroy', '-auto-approve', '-no-color'], { env: { PATH: USER_PATH } });
}

async function kubectlUntilReady({ installation }: World, count: number): Promise<number> {
  const { cluster } = installation;
  await namespace(cluster, KUBECTL_WORKSPACE);
  const names = Array.from({ length: count }, (_, index) => `account-${index}`);
  const spec = { limits: { perDay: 500 } };
  const items = names.map((name) => kind('SmtpAccount', KUBECTL_WORKSPACE, name, spec));
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  const startedAt = performance.now();
  await cluster.kubectl(['apply', '--server-side', '-f', '-'], list);
  const path = `/apis/migosmtp.com/v1alpha1/namespaces/${KUBECTL_WORKSPACE}/smtpaccounts`;
  const accounts = async () => (await cluster.api.get<{ items: Thing[] }>(path)).items;
  const deadline = startedAt + READY_MS;
  for (;;) {
    const found = await accounts();
    if (found.length === count && found.every(isReady)) break;
    if (performance.now() > deadline) throw new Error(unready(found));
    await lookAgain();
  }
  const ms = performance.now() - startedAt;
  // As a whole: kubectl deletes one by one, which takes minutes.
  await cluster.api.call('DELETE', path);
  while ((await accounts()).length > 0) await lookAgain();
  return ms;
}

function lookAgain(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
}

function unready(found: readonly Thing[]): string {
  const waiting = found.filter((account) => !isReady(account));
  const condition = waiting[0] && conditionOf(waiting[0]);
  const why = condition ? `${condition.status} ${condition.reason}: ${condition.message}` : 'no condition';
  return `${waiting.length} of ${found.length} accounts did not get Ready; the first says ${why}`;
}
