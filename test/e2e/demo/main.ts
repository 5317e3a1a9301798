/** `npm run demo [-- --keep]`: the whole product on a real local control plane; ends with `demo: ok`. */
import { Refusal } from '../../cluster/index.ts';
import { runDemo } from './run.ts';

const isKept = process.argv.includes('--keep');
try {
  await runDemo({ isKept, print: (line) => console.log(line) });
  console.log('demo: ok');
  process.exit(0);
} catch (error) {
  // A refusal says in one line what to do; anything else is a defect and shows where.
  console.error(error instanceof Refusal ? `demo: ${error.message}` : error);
  console.error('demo: failed');
  process.exit(1);
}
