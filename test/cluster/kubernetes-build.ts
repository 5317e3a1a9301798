import { cp, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';
import { openApt } from './apt.ts';
import { cacheRoot, withLock } from './cache.ts';
import { debianPackages } from './debian.ts';
import { must } from './run.ts';

type Progress = (line: string) => void;

const toolchain = [
  'golang-1.19-go',
  'golang-1.19-src',
  'golang-github-modern-go-reflect2-dev',
  'make',
  'rsync',
];
const targets = ['kube-apiserver', 'kube-controller-manager'];

/** Folder of the cached build; it exists only when the build is complete. */
export function buildFolder(): string {
  return join(cacheRoot(), 'kubernetes');
}

/**
 * Builds kube-apiserver and kube-controller-manager from Debian's source package and puts them, with Debian's
 * etcd, in one folder. An interrupted build continues where it was; two at a time do not happen.
 * @returns the folder
 */
export async function buildKubernetes(progress: Progress): Promise<string> {
  const result = buildFolder();
  await withLock(
    'kubernetes',
    async () => {
      if (existsSync(result)) return;
      progress(
        `no Kubernetes control plane found: building one from Debian's source package under ${cacheRoot()} ` +
          '(once; about 150 MB to fetch, 2 GB while it builds, 4 to 8 minutes; nothing is installed)',
      );
      await buildInto(result, progress);
    },
    () => progress('waiting for another run that is building the control plane'),
  );
  return result;
}

async function buildInto(result: string, progress: Progress): Promise<void> {
  const work = join(cacheRoot(), 'build');
  const tree = join(work, 'source');
  const tools = await debianPackages(toolchain, progress);
  const etcd = await debianPackages(['etcd-server'], progress);
  if (!existsSync(tree)) await unpackSource(work, tree, tools.root, progress);
  await compile(work, tree, tools.env(), tools.root, progress);
  const staging = join(work, 'result');
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging, { recursive: true });
  for (const target of targets) await cp(join(tree, '_output/bin', target), join(staging, target));
  await cp(etcd.bin('etcd'), join(staging, 'etcd'));
  await rename(staging, result);
  await rm(work, { recursive: true, force: true });
  progress(`control plane built in ${result}`);
}

async function unpackSource(
  work: string,
  tree: string,
  toolsRoot: string,
  progress: Progress,
): Promise<void> {
  progress("fetching Debian's source package kubernetes");
  const fetched = join(work, 'fetched');
  await rm(work, { recursive: true, force: true });
  await mkdir(fetched, { recursive: true });
  const apt = await openApt({ sources: true });
  await apt.get(['source', '--download-only', 'kubernetes'], fetched);
  const archive = (await readdir(fetched)).find((name) => name.includes('.orig.tar.'));
  if (archive === undefined) throw new Error('the source package kubernetes has no .orig.tar archive');
  const fresh = join(work, 'source.new');
  await mkdir(fresh);
  await must(['tar', '-xf', join(fetched, archive), '-C', fresh, '--strip-components=1']);
  await replaceReflect2(fresh, toolsRoot);
  await writeFile(join(work, 'version'), versionFile(archive));
  await rename(fresh, tree);
}

/** The vendored reflect2 1.0.1 crashes under Go >= 1.18 at the first custom resource; Debian's copy does not. */
async function replaceReflect2(tree: string, toolsRoot: string): Promise<void> {
  const vendored = join(tree, 'vendor/github.com/modern-go/reflect2');
  const packaged = join(toolsRoot, 'usr/share/gocode/src/github.com/modern-go/reflect2');
  const isCode = (name: string) => /\.(go|s)$/.test(name);
  for (const name of (await readdir(vendored)).filter(isCode)) await rm(join(vendored, name));
  for (const name of (await readdir(packaged)).filter(isCode)) {
    await cp(join(packaged, name), join(vendored, name), { dereference: true });
  }
}

/** `kubernetes_1.20.5+really1.20.2.orig.tar.gz` is 1.20.2: Debian's way to go back to an older release. */
function versionFile(archive: string): string {
  const version = /(?:really|_)(\d+)\.(\d+)\.(\d+)\.orig/.exec(archive);
  if (version === null) throw new Error(`no version in ${archive}`);
  const [, major, minor, patch] = version;
  return [
    `KUBE_GIT_VERSION=v${major}.${minor}.${patch}`,
    'KUBE_GIT_COMMIT=debian',
    'KUBE_GIT_TREE_STATE=clean',
    `KUBE_GIT_MAJOR=${major}`,
    `KUBE_GIT_MINOR=${minor}`,
    '',
  ].join('\n');
}

async function compile(
  work: string,
  tree: string,
  env: NodeJS.ProcessEnv,
  toolsRoot: string,
  progress: Progress,
): Promise<void> {
  const goRoot = join(toolsRoot, 'usr/lib/go-1.19');
  const started = Date.now();
  const elapsed = () => `${Math.round((Date.now() - started) / 1000)} s`;
  const alive = setInterval(() => progress(`still compiling (${elapsed()})`), 20_000);
  const scratch = join(work, 'tmp'); // or an interrupted compiler leaves its files in the machine's /tmp
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch, { recursive: true });
  try {
    // Ends with this process, or the next run would find another one at work in the same tree.
    const make = ['setpriv', '--pdeathsig', 'TERM', 'nice', 'make'];
    await must([...make, `WHAT=${targets.map((target) => `cmd/${target}`).join(' ')}`], {
      cwd: tree,
      env: {
        ...env,
        PATH: `${goRoot}/bin:${env['PATH']}`,
        GOROOT: goRoot,
        GOCACHE: join(work, 'gocache'),
        GOFLAGS: '',
        GOARCH: arch() === 'arm64' ? 'arm64' : 'amd64',
        CGO_ENABLED: '0',
        HOME: work,
        TMPDIR: scratch,
        KUBE_GIT_VERSION_FILE: join(work, 'version'),
      },
      onOutput: (chunk) => {
        for (const [, target] of chunk.matchAll(/^ {4}(\S+)$/gm))
          progress(`compiling ${target} (${elapsed()})`);
      },
    });
  } finally {
    clearInterval(alive);
  }
}

/** Version that a control-plane binary reports, such as `1.20.2`. */
export async function versionOf(binary: string): Promise<string> {
  const version = /v(\d+\.\d+\.\d+)/.exec(await must([binary, '--version']))?.[1];
  if (version === undefined) throw new Error(`${binary} --version does not name a version`);
  return version;
}
