import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheRoot } from './cache.ts';
import { Refusal } from './failure.ts';
import { must, run } from './run.ts';

/** The release whose packages are used; the control plane is built from its `kubernetes` source package. */
const release = 'bookworm';

/** A private apt: its own sources, lists and archives. Nothing under /etc/apt or /var/lib/apt is written. */
export interface Apt {
  /** Runs apt-get with the private configuration in `cwd` and returns its output. */
  get(args: readonly string[], cwd?: string): Promise<string>;
}

/**
 * Prepares the private apt. The archive's addresses are taken from the machine's own apt sources (so a mirror or
 * proxy chosen there is used here too); the lists are fetched when missing or older than a day.
 */
export async function openApt(options: {
  sources: boolean;
  onOutput?: (chunk: string) => void;
}): Promise<Apt> {
  await refuseOtherSystems();
  const folder = join(cacheRoot(), options.sources ? 'apt-with-sources' : 'apt');
  const config = join(folder, 'apt.conf');
  await mkdir(join(folder, 'lists', 'partial'), { recursive: true });
  await mkdir(join(folder, 'cache', 'archives', 'partial'), { recursive: true });
  await writeFile(config, configuration(folder));
  await writeFile(join(folder, 'sources.list'), await ownSources(options.sources));
  const env = { ...process.env, APT_CONFIG: config, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };
  const apt: Apt = {
    get: (args, cwd) =>
      must(['apt-get', '--yes', '--quiet', '--no-install-recommends', ...args], {
        env,
        ...(cwd === undefined ? {} : { cwd }),
        ...(options.onOutput === undefined ? {} : { onOutput: options.onOutput }),
      }),
  };
  const stamp = join(folder, 'updated');
  const age =
    Date.now() -
    (await stat(stamp)
      .then((s) => s.mtimeMs)
      .catch(() => 0));
  if (age > 24 * 3600_000) {
    await apt.get(['-o', 'APT::Update::Error-Mode=any', 'update']);
    await writeFile(stamp, '');
  }
  return apt;
}

async function refuseOtherSystems(): Promise<void> {
  const os = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const found = await run(['apt-get', '--version'])
    .then((r) => r.code === 0)
    .catch(() => false);
  if (!found || !os.includes(`VERSION_CODENAME=${release}`)) {
    throw new Refusal(
      `this machine is not Debian 12, whose packages are used: set KUBEBUILDER_ASSETS to a folder with etcd, ` +
        `kube-apiserver and kube-controller-manager, and install the tools that are reported missing`,
    );
  }
}

function configuration(folder: string): string {
  return `Dir::State::lists "${folder}/lists";
Dir::Cache "${folder}/cache";
Dir::Etc::sourcelist "${folder}/sources.list";
Dir::Etc::sourceparts "-";
APT::Sandbox::User "root";
APT::Keep-Downloaded-Packages "true";
Binary::apt-get::APT::Keep-Downloaded-Packages "true";
Debug::NoLocking "true";
Acquire::Languages "none";
Acquire::Retries "3";
`;
}

/** One-line sources for the release's main component, derived from the machine's enabled Debian sources. */
async function ownSources(withSource: boolean): Promise<string> {
  const parts = '/etc/apt/sources.list.d';
  const names = await readdir(parts).catch(() => [] as string[]);
  const texts = await Promise.all(
    ['/etc/apt/sources.list', ...names.map((name) => join(parts, name))]
      .filter((path) => /\.(list|sources)$/.test(path))
      .map(async (path) => ({ path, text: await readFile(path, 'utf8').catch(() => '') })),
  );
  const lines = texts.flatMap(({ path, text }) =>
    path.endsWith('.sources') ? fromStanzas(text) : fromOneLine(text),
  );
  if (lines.length === 0) {
    throw new Refusal(
      `no enabled apt source for Debian ${release} main under /etc/apt: add one, or set KUBEBUILDER_ASSETS`,
    );
  }
  return (
    lines.flatMap((line) => (withSource ? [`deb ${line}`, `deb-src ${line}`] : [`deb ${line}`])).join('\n') +
    '\n'
  );
}

/** deb822 format: `Key: value` lines, stanzas separated by blank lines. */
function fromStanzas(text: string): string[] {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name: string) =>
      new RegExp(`^${name}:[ \\t]*(.*)$`, 'mi').exec(stanza)?.[1]?.trim().split(/\s+/).filter(Boolean) ?? [];
    const enabled = field('Enabled')[0] !== 'no' && field('Types').includes('deb');
    const suites = field('Suites').filter((suite) => suite.startsWith(release));
    if (!enabled || !field('Components').includes('main')) return [];
    const key = field('Signed-By')[0];
    const bracket = key?.startsWith('/') === true ? `[signed-by=${key}] ` : '';
    return field('URIs').flatMap((uri) => suites.map((suite) => `${bracket}${uri} ${suite} main`));
  });
}

function fromOneLine(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const match = /^deb\s+(\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+(.*)$/.exec(line.trim());
    if (!match?.[3]?.startsWith(release) || !(match[4] ?? '').split(/\s+/).includes('main')) return [];
    return [`${match[1] ?? ''}${match[2]} ${match[3]} main`];
  });
}
