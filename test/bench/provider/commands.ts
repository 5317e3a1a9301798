import { row, type Row } from './figures.ts';
import { USER_PATH } from './handshake.ts';
import { ProviderMemory } from './memory.ts';
import type { Sizes, Subject, World } from './world.ts';

type Progress = (line: string) => void;

/** Plans of new objects: of one, and of many. */
export async function planRows(world: World, sizes: Sizes, progress: Progress): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [label, count] of [['one', 1] as const, ['many', sizes.objects] as const]) {
    progress(`plan of ${count} new`);
    for (const subject of world.subjects) subject.terraform.write(subject.configuration(count));
    rows.push(
      ...(await inTurns(world.subjects, sizes.rounds + 2, `plan ${label}`, (subject) => plan(subject, 2))),
    );
  }
  return rows;
}

/** Plans where everything exists and nothing changes: all of it is read again. */
export async function refreshRows(world: World, sizes: Sizes, progress: Progress): Promise<Row[]> {
  progress(`refresh of ${sizes.objects}`);
  const subjects = world.subjects.filter(({ name }) => name !== 'script');
  const rows = await inTurns(subjects, sizes.rounds + 2, 'refresh many', (subject) => plan(subject, 0));
  const provider = subjects.find(({ name }) => name === 'executable');
  if (!provider) throw new Error('no executable among the subjects');
  const { terraform } = provider;
  const log = `${terraform.folder}/requests.log`;
  await terraform.plan({ env: { PATH: USER_PATH, TF_LOG_PROVIDER: 'DEBUG', TF_LOG_PATH: log } });
  const requests = terraform.read('requests.log').match(/kubernetes request/g)?.length ?? 0;
  return [...rows, row('refresh many, requests for each', 'requests', [requests / sizes.objects])];
}

async function plan(
  { terraform, name }: Subject,
  expected: 0 | 2,
): Promise<{ ms: number; memoryMb?: number }> {
  const memory = name === 'terraform_data' ? undefined : new ProviderMemory();
  const startedAt = performance.now();
  const { code } = await terraform.plan({
    env: { PATH: USER_PATH },
    ...(memory && { onStart: (pid: number) => memory.watch(pid) }),
  });
  const ms = performance.now() - startedAt;
  if (code !== expected) throw new Error(`a plan of ${name} ended with ${code}, not ${expected}`);
  return { ms, ...(memory && { memoryMb: memory.stop() }) };
}

async function inTurns(
  subjects: readonly Subject[],
  rounds: number,
  label: string,
  measure: (subject: Subject) => Promise<{ ms: number; memoryMb?: number }>,
): Promise<Row[]> {
  const measured = subjects.map(() => ({ ms: [] as number[], memoryMb: [] as number[] }));
  for (let round = 0; round < rounds; round += 1) {
    for (const [place, subject] of subjects.entries()) {
      const { ms, memoryMb } = await measure(subject);
      measured[place]?.ms.push(ms);
      if (memoryMb !== undefined) measured[place]?.memoryMb.push(memoryMb);
    }
  }
  return subjects.flatMap(({ name }, place) => {
    const { ms = [], memoryMb = [] } = measured[place] ?? {};
    return [
      row(`${label}, ${name}`, 'ms', ms),
      ...(memoryMb.length > 0 ? [row(`${label}, memory of ${name}`, 'MB', [Math.max(...memoryMb)])] : []),
    ];
  });
}
