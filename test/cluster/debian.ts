import { existsSync, mkdirSync } from 'node:fs';
import { access, constants, lstat, mkdir, readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { delimiter, dirname, join, relative } from 'node:path';
import { openApt } from './apt.ts';
import { cacheRoot, withLock } from './cache.ts';
import { Refusal } from './failure.ts';
import { must } from './run.ts';

/** Debian packages unpacked into the cache, usable without having been installed. */
export interface DebianPackages {
  /** Folder that looks like `/` with the packages in it (those already installed on the machine are not repeated). */
  root: string;
  /** Environment for running the binaries in place: PATH, LD_LIBRARY_PATH, PYTHONPATH, PERL5LIB over `base`. */
  env(base?: NodeJS.ProcessEnv): NodeJS.ProcessEnv;
  /** Absolute path of a program: from the packages, else from the machine. Throws when neither has it. */
  bin(name: string): string;
  /**
   * The command wrapped so that it sees the packages at their real paths (`/usr`, `/etc`): for daemons that do not
   * run from elsewhere, such as Postfix. Needs root; other folders stay the machine's own, `/etc` is a private copy.
   */
  wrap(argv: readonly string[]): string[];
}

/** Raised when packages are unpacked in another way: what was unpacked before is then not used again. */
const layout = 2;

const binFolders = ['usr/sbin', 'usr/bin', 'usr/games', 'usr/lib/postgresql/15/bin'];

/**
 * Makes Debian packages available from the cache, with what they depend on and the machine lacks. Nothing is
 * installed: no maintainer script runs, no service starts, no apt source changes.
 * @param onProgress one line before something is downloaded
 */
export async function debianPackages(
  names: readonly string[],
  onProgress: (line: string) => void = () => {},
): Promise<DebianPackages> {
  const set = [...new Set(names)].sort();
  const id = createHash('sha256')
    .update(`${layout} ${set.join(' ')}`)
    .digest('hex')
    .slice(0, 12);
  const root = join(cacheRoot(), 'debian', `${set[0] ?? 'none'}-${id}`);
  if (!existsSync(root)) {
    await withLock('debian', async () => {
      if (!existsSync(root)) await unpack(set, root, onProgress);
    });
  }
  return describePackages(root, set);
}

async function unpack(
  names: readonly string[],
  root: string,
  onProgress: (line: string) => void,
): Promise<void> {
  onProgress(`unpacking Debian packages into the cache (nothing is installed): ${names.join(' ')}`);
  const apt = await openApt({ sources: false });
  const work = join(await folderOf(root), '.unpack');
  await rm(work, { recursive: true, force: true }); // of a run that was interrupted; the lock is ours
  await mkdir(join(work, 'empty/partial'), { recursive: true });
  // apt does not list what its archive folder has already: this asks with an empty one.
  const elsewhere = ['-o', `Dir::Cache::archives=${join(work, 'empty')}`];
  const listing = await apt.get([...elsewhere, '--print-uris', 'install', ...names]);
  await rm(join(work, 'empty'), { recursive: true });
  const wanted = [...listing.matchAll(/^'(\S+)' (\S+\.deb) /gm)].map((match) => match[2] ?? '');
  if (wanted.length > 0) await apt.get(['--download-only', 'install', ...names]);
  await mergeUsr(work);
  for (const file of wanted) {
    await extract(join(cacheRoot(), 'apt', 'cache', 'archives', file), work);
  }
  await relocateLinks(work, work);
  await must(['chmod', '0755', work]);
  await rename(work, root);
}

async function folderOf(path: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  return dirname(path);
}

/** Debian 12 has /bin, /lib and so on as links into /usr; packages still ship files under the old names. */
async function mergeUsr(root: string): Promise<void> {
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    await mkdir(join(root, 'usr', name), { recursive: true });
    await symlink(`usr/${name}`, join(root, name));
  }
}

/** As dpkg installs: through the links of {@link mergeUsr}. `dpkg-deb --extract` puts folders in their place. */
async function extract(file: string, root: string): Promise<void> {
  const script = 'dpkg-deb --fsys-tarfile "$1" | tar --extract --keep-directory-symlink --directory "$2"';
  await must(['bash', '-o', 'pipefail', '-c', script, 'bash', file, root]);
}

/** Absolute links would lead out of the unpacked tree: those whose target is inside become relative. */
async function relocateLinks(folder: string, root: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await relocateLinks(path, root);
    if (!entry.isSymbolicLink()) continue;
    const target = await readlink(path);
    if (!target.startsWith('/') || !(await exists(join(root, target)))) continue;
    await rm(path);
    await symlink(relative(dirname(path), join(root, target)), path);
  }
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

function describePackages(root: string, names: readonly string[]): DebianPackages {
  const inRoot = (folders: readonly string[]) => folders.map((folder) => join(root, folder));
  return {
    root,
    env: (base = process.env) => ({
      ...base,
      PATH: prefixed(inRoot(binFolders), base['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin'),
      LD_LIBRARY_PATH: prefixed(
        inRoot(['usr/lib/x86_64-linux-gnu', 'usr/lib/aarch64-linux-gnu', 'usr/lib', 'usr/lib/postfix']),
        base['LD_LIBRARY_PATH'],
      ),
      PYTHONPATH: prefixed(inRoot(['usr/lib/python3/dist-packages']), base['PYTHONPATH']),
      PERL5LIB: prefixed(
        inRoot(['usr/share/perl5', 'usr/lib/x86_64-linux-gnu/perl5/5.36']),
        base['PERL5LIB'],
      ),
    }),
    bin: (name) => {
      const found = [
        ...inRoot(binFolders),
        '/usr/sbin',
        '/usr/bin',
        ...(process.env['PATH'] ?? '').split(delimiter),
      ]
        .map((folder) => join(folder, name))
        .find((path) => existsSync(path));
      if (found === undefined)
        throw new Refusal(`no program ${name} in the Debian packages ${names.join(', ')}`);
      return found;
    },
    wrap: (argv) => {
      const scratch = join(cacheRoot(), 'scratch');
      mkdirSync(scratch, { recursive: true });
      return [
        'unshare',
        '--mount',
        'sh',
        '-ec',
        `${overlayLines([root], scratch)}\nexec "$@"`,
        'sh',
        ...argv,
      ];
    },
  };
}

function prefixed(folders: readonly string[], rest: string | undefined): string {
  return [...folders, ...(rest === undefined || rest === '' ? [] : [rest])].join(delimiter);
}

/**
 * Shell lines that lay unpacked trees over /usr and /etc in the caller's own mount namespace. /etc becomes a private
 * copy: what is written there is gone with the namespace.
 * @param scratch a folder to mount on
 * @param inEtc lines that fill `$etc`, which goes over /etc, before it is mounted
 */
export function overlayLines(roots: readonly string[], scratch: string, inEtc = ''): string {
  const layers = (folder: string) =>
    [...roots.map((root) => `${root}/${folder}`).filter((path) => existsSync(path)), `/${folder}`].join(':');
  return `
mount -t tmpfs -o mode=755 tmpfs '${scratch}'
etc='${scratch}/upper'; mkdir "$etc" '${scratch}/work'
${inEtc}
${roots.length === 0 ? '' : `mount -t overlay -o 'lowerdir=${layers('usr')}' overlay /usr`}
mount -t overlay -o "lowerdir=${layers('etc')},upperdir=$etc,workdir=${scratch}/work" overlay /etc
umount -l '${scratch}'`;
}

/** Path of a program on the machine's PATH, or undefined. */
export async function onPath(name: string): Promise<string | undefined> {
  for (const folder of [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/bin']) {
    const path = join(folder, name);
    if (
      folder !== '' &&
      (await access(path, constants.X_OK).then(
        () => true,
        () => false,
      ))
    )
      return path;
  }
  return undefined;
}
