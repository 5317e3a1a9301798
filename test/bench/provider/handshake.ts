import { spawn } from 'node:child_process';
import { delimiter } from 'node:path';
import { executableIn, providerMirror } from '../../../provider/build.ts';
import { createIdentity } from '../../../provider/wire/certificate.ts';
import { row, type Row } from './figures.ts';

const COOKIE = 'd602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2';

/** PATH of a user: npm puts the node of its packages first, which is another one than the script build finds. */
export const USER_PATH = (process.env['PATH'] ?? '')
  .split(delimiter)
  .filter((folder) => !folder.endsWith('node_modules/.bin') && !folder.includes('node-gyp-bin'))
  .join(delimiter);

interface Subject {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Until its first line of output; else until its end. */
  readonly untilLine: boolean;
}

/** Start to handshake line, in turns with the start and end of the bare runtime. */
export async function handshakeRows(samples: number, progress: (line: string) => void): Promise<Row[]> {
  const program = async (build: 'script' | 'executable') =>
    executableIn(await providerMirror(undefined, build));
  const subjects: Subject[] = [
    { name: 'node -e 0', command: 'node', args: ['-e', '0'], untilLine: false },
    { name: 'handshake, script', command: await program('script'), args: [], untilLine: true },
    { name: 'handshake, executable', command: await program('executable'), args: [], untilLine: true },
  ];
  progress(`handshake: ${samples} starts of each`);
  const times = subjects.map((): number[] => []);
  const environment = {
    PATH: USER_PATH,
    TF_PLUGIN_MAGIC_COOKIE: COOKIE,
    PLUGIN_PROTOCOL_VERSIONS: '6',
    PLUGIN_CLIENT_CERT: createIdentity(Date.now()).certificatePem,
  };
  for (let index = 0; index < samples; index += 1) {
    for (const [place, subject] of subjects.entries())
      times[place]?.push(await startTime(subject, environment));
  }
  return subjects.map(({ name }, place) => row(name, 'ms', times[place] ?? []));
}

function startTime({ command, args, untilLine }: Subject, env: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    let measured: number | undefined;
    child.once('error', reject);
    child.stdout.once('data', () => {
      measured = performance.now() - startedAt;
      if (untilLine) child.kill();
    });
    child.stdout.resume();
    // Ended before the next one starts: two at once would share the processor.
    child.once('exit', () => {
      if (!untilLine) resolve(performance.now() - startedAt);
      else if (measured === undefined) reject(new Error(`${command} ended without a handshake`));
      else resolve(measured);
    });
  });
}
