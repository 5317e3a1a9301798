import { mkdirSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Log file of one run of a container: a later Pod of the same name does not continue it. */
export function logFile(clusterLogs: string, pod: LoggedPod, container: string, restart: number): string {
  const folder = join(clusterLogs, 'pods', pod.namespace, pod.name, pod.uid);
  mkdirSync(folder, { recursive: true });
  return join(folder, `${container}.${restart}.log`);
}

export interface LoggedPod {
  namespace: string;
  name: string;
  uid: string;
}

/** Log files of the newest Pod of a name, oldest run first; of one container when named. */
export async function newestLogs(
  clusterLogs: string,
  namespace: string,
  pod: string,
  container?: string,
): Promise<string[]> {
  const folder = join(clusterLogs, 'pods', namespace, pod);
  const found = await Promise.all(
    (await readdir(folder).catch(() => [])).map(async (uid) => {
      const path = join(folder, uid);
      return { path, bornMs: (await stat(path)).birthtimeMs };
    }),
  );
  const newest = found.toSorted((a, b) => a.bornMs - b.bornMs).at(-1);
  if (newest === undefined) return [];
  return (await readdir(newest.path))
    .filter((file) => container === undefined || file.replace(/\.\d+\.log$/, '') === container)
    .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map((file) => join(newest.path, file));
}
