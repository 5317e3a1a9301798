/**
 * Does what a Dockerfile says, without a container engine: stages are folders, and RUN runs in them.
 * Role: shows that our images are complete and who they run as. Limits: the instructions that ours use, on WORKDIR /app;
 * the base image is this machine with the Node of this repository; anything else is an error.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { repository } from '../cluster/images.ts';

const run = promisify(execFile);
const WORKDIR = '/app';

export interface BuiltImage {
  /** Folder that stands for /app. */
  folder: string;
  user: string | undefined;
  entrypoint: string[];
  env: Record<string, string>;
  /** The image that the last stage begins with. */
  base: string;
}

interface Stage extends BuiltImage {
  name: string | undefined;
}

/** Builds into folders below `into`. */
export async function buildImage(dockerfile: string, into: string): Promise<BuiltImage> {
  const text = await readFile(join(repository, dockerfile), 'utf8');
  const ignored = await ignoreRules();
  const args = new Map<string, string>();
  const stages: Stage[] = [];
  for (const line of text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'))) {
    const instruction = line.slice(0, line.indexOf(' '));
    const rest = line.slice(line.indexOf(' ') + 1);
    if (instruction === 'ARG') args.set(rest.split('=')[0]!, rest.slice(rest.indexOf('=') + 1));
    else if (instruction === 'FROM')
      stages.push(await newStage(filled(rest, args), join(into, String(stages.length))));
    else await obey(stages.at(-1)!, stages, instruction, rest, ignored);
  }
  return stages.at(-1)!;
}

async function newStage(from: string, folder: string): Promise<Stage> {
  await mkdir(folder, { recursive: true });
  const [base = '', , name] = from.split(' ');
  return { name, base, folder, user: undefined, entrypoint: [], env: {} };
}

async function obey(
  stage: Stage,
  stages: readonly Stage[],
  instruction: string,
  rest: string,
  isIgnored: (path: string) => boolean,
): Promise<void> {
  switch (instruction) {
    case 'WORKDIR':
      if (rest !== WORKDIR) throw new Error(`WORKDIR ${rest}: only ${WORKDIR} is understood`);
      return;
    case 'ENV':
      stage.env[rest.split('=')[0]!] = rest.slice(rest.indexOf('=') + 1);
      return;
    case 'USER':
      stage.user = rest;
      return;
    case 'EXPOSE':
      return;
    case 'ENTRYPOINT':
      stage.entrypoint = JSON.parse(rest) as string[];
      return;
    case 'COPY':
      return copy(stage, stages, rest.split(' '), isIgnored);
    case 'RUN': {
      await run('sh', ['-c', rest], { cwd: stage.folder, env: environment() });
      return;
    }
    default:
      throw new Error(`${instruction} is not understood`);
  }
}

/** Without what `npm test` tells programs that it starts: npm would work in the repository. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name));
  const path = `${join(repository, 'node_modules/node/bin')}:${process.env['PATH']}`;
  return { ...Object.fromEntries(kept), PATH: path };
}

async function copy(
  stage: Stage,
  stages: readonly Stage[],
  words: string[],
  isIgnored: (path: string) => boolean,
): Promise<void> {
  const from = words[0]?.startsWith('--from=') === true ? words.shift()!.slice('--from='.length) : undefined;
  const target = words.pop()!;
  for (const word of words) {
    if (from !== undefined) {
      if (word !== WORKDIR) throw new Error(`COPY --from of ${word}: only ${WORKDIR} is understood`);
      const source = stages.find(({ name }) => name === from)!.folder;
      await cp(source, join(stage.folder, target), { recursive: true, verbatimSymlinks: true });
      continue;
    }
    const to = target.endsWith('/') ? join(target, basename(word)) : target;
    const filter = (path: string): boolean => !isIgnored(path.slice(repository.length + 1));
    await cp(join(repository, word), join(stage.folder, to), { recursive: true, filter });
  }
}

/** Of .dockerignore: everything but what is named again, and in that, names that are left out at any depth. */
async function ignoreRules(): Promise<(path: string) => boolean> {
  const text = await readFile(join(repository, '.dockerignore'), 'utf8');
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  if (lines[0] !== '*') throw new Error('.dockerignore does not begin with *');
  const kept = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  const left = lines.filter((line) => line.startsWith('**/')).map((line) => line.slice('**/'.length));
  return (path) => {
    const [first = '', ...rest] = path.split('/');
    const isNamed = (part: string): boolean =>
      left.some((name) => (name.startsWith('*') ? part.endsWith(name.slice(1)) : part === name));
    return !kept.includes(first) || rest.some(isNamed);
  };
}

function filled(text: string, args: ReadonlyMap<string, string>): string {
  return text.replaceAll(/\$\{([A-Z]+)\}/g, (_, name: string) => args.get(name) ?? '');
}
