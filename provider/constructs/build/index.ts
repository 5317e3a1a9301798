/**
 * The build of the constructs: bindings generated from the provider's schema, then bindings and constructs compiled
 * once for each core, into dist/cdktf and dist/cdktn, and the package linked where examples import it from.
 * Flow: provider schemas -> JSON as terraform prints it -> generator of the core -> tsc -> dist, swapped in whole.
 * Limits: needs no terraform, registry or network; what was built from the same inputs is kept.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Builds what has changed; about 5 s from nothing, 0.1 s when all is built. Throws with the compiler's words. */
export async function buildConstructs(): Promise<void> {
  // A process of its own: the generators want environment variables, and load a hundred modules.
  const build = promisify(execFile)(process.execPath, [join(import.meta.dirname, 'main.ts')]);
  await build.catch((cause: { stdout: string; stderr: string }) => {
    throw new Error(`constructs do not build:\n${cause.stdout}${cause.stderr}`, { cause });
  });
}
