/** `node provider/constructs/build/main.ts`: build the constructs for every core whose inputs have changed. */
import { CORES } from './cores.ts';
import { inputHash } from './inputs.ts';
import { isBuilt, linkPackage, runCore } from './outputs.ts';

const startedAt = performance.now();
const hash = inputHash();
const stale = CORES.filter((core) => !isBuilt(core.name, hash));
const codes = await Promise.all(stale.map((core) => runCore(core.name, hash)));
linkPackage();

const failed = stale.filter((_, index) => codes[index] !== 0);
const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
if (failed.length > 0) process.exitCode = 1;
else if (stale.length === 0) process.stdout.write('constructs: up to date\n');
else
  process.stdout.write(`constructs: built for ${stale.map(({ name }) => name).join(', ')} in ${seconds} s\n`);
