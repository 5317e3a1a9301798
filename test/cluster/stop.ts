import { existsSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { must } from './run.ts';
import { cacheRoot } from './cache.ts';
import { isAlive, recorded, terminate } from './processes.ts';
import { clusterNames, clusterPaths, readRecord, TEMPORARY_PREFIX } from './state.ts';

/** Ends the processes of a cluster, with all its Pods, and removes its folder. Nothing to do is success. */
export async function removeCluster(name: string): Promise<void> {
  const paths = clusterPaths(name);
  const processes = await recorded(paths.processes);
  // The agent first, or it would restart what is ended next. Its Pods end with it.
  const agent = processes.get('node-agent');
  if (agent !== undefined) await terminate(agent, 3000);
  const rest = await recorded(paths.processes);
  // Servers are told, as they may have children; the control plane's data goes with it, so nothing is lost by SIGKILL.
  await Promise.all(
    [...rest].map(([part, identity]) => terminate(identity, part.startsWith('server-') ? 2000 : 0)),
  );
  await unmountBelow(paths.folder);
  await removeTemporary(paths.temporary);
  await rm(paths.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

/** Pods mount in namespaces of their own, which end with them; this catches whatever else may be mounted. */
async function unmountBelow(folder: string): Promise<void> {
  const mounts = await readFile('/proc/self/mounts', 'utf8');
  const below = mounts
    .split('\n')
    .map((line) => (line.split(' ')[1] ?? '').replaceAll('\\040', ' '))
    .filter((path) => path.startsWith(`${folder}/`));
  for (const path of below.toReversed()) await must(['umount', '-l', path]);
}

async function removeTemporary(list: string): Promise<void> {
  const folders = (await readFile(list, 'utf8').catch(() => '')).split('\n');
  // The list could be damaged: nothing but a folder that we name so is removed.
  for (const folder of folders.filter((path) => basename(path).startsWith(TEMPORARY_PREFIX))) {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Removes what runs that died have left: clusters whose owner or one of whose parts is gone. */
export async function sweep(progress: (line: string) => void): Promise<void> {
  for (const name of await clusterNames()) {
    if (!(await isDead(name))) continue;
    progress(`removing what is left of cluster ${name}`);
    await removeCluster(name);
  }
}

async function isDead(name: string): Promise<boolean> {
  const record = await readRecord(name);
  if (record === undefined) return true;
  if (record.owner !== undefined) return !isAlive(record.owner);
  if (!record.ready) return !(record.starter !== undefined && isAlive(record.starter));
  const processes = await recorded(clusterPaths(name).processes);
  const parts = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'node-agent'];
  return parts.some((part) => {
    const identity = processes.get(part);
    return identity !== undefined && !isAlive(identity);
  });
}

/** Takes every cluster down and removes the whole cache: packages, builds, state. */
export async function cleanAll(progress: (line: string) => void = () => {}): Promise<void> {
  for (const name of await clusterNames()) {
    progress(`taking down cluster ${name}`);
    await removeCluster(name);
  }
  if (!existsSync(cacheRoot())) return;
  progress(`removing ${cacheRoot()} (${(await readdir(cacheRoot())).join(', ')})`);
  await rm(cacheRoot(), { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}
