/** `npm run bench -- NAME [options]`: the benchmarks, each with its own options. */

const BENCHMARKS: Record<string, () => Promise<{ readonly run: (args: string[]) => Promise<void> }>> = {
  relay: () => import('./relay/index.ts'),
  provider: () => import('./provider/index.ts'),
  accounts: () => import('./accounts/index.ts'),
  rotation: () => import('./rotation/index.ts'),
};

const [name = '', ...args] = process.argv.slice(2);
const load = BENCHMARKS[name];
if (load) {
  const { run } = await load();
  await run(args);
} else {
  process.stderr.write(`usage: npm run bench -- ${Object.keys(BENCHMARKS).join('|')} [options]\n`);
  process.exitCode = 2;
}
