import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Refusal } from './failure.ts';
import { buildFolder, buildKubernetes, versionOf } from './kubernetes-build.ts';

/** The three programs of a control plane, all from one folder, so that their versions fit. */
export interface ControlPlaneBinaries {
  etcd: string;
  apiServer: string;
  controllerManager: string;
  /** Release of the API server, such as `1.20.2`. */
  version: string;
  /** Where they were found, for people. */
  origin: string;
}

const programs = ['etcd', 'kube-apiserver', 'kube-controller-manager'] as const;

/**
 * Finds the control plane: KUBEBUILDER_ASSETS, the newest release in setup-envtest's store, the cached build,
 * else builds it.
 */
export async function findBinaries(progress: (line: string) => void): Promise<ControlPlaneBinaries> {
  const named = process.env['KUBEBUILDER_ASSETS'];
  if (named !== undefined && named !== '') {
    const missing = programs.filter((program) => !existsSync(join(named, program)));
    if (missing.length > 0) {
      throw new Refusal(
        `KUBEBUILDER_ASSETS names ${named}, which lacks ${missing.join(', ')}: correct or unset it`,
      );
    }
    return describe(named, 'KUBEBUILDER_ASSETS');
  }
  const stored = await newestInStore();
  if (stored !== undefined) return describe(stored, "setup-envtest's store");
  if (isComplete(buildFolder())) return describe(buildFolder(), 'the cached build');
  return describe(await buildKubernetes(progress), 'a fresh build');
}

function isComplete(folder: string): boolean {
  return programs.every((program) => existsSync(join(folder, program)));
}

async function newestInStore(): Promise<string | undefined> {
  const data = process.env['XDG_DATA_HOME'] ?? join(homedir(), '.local/share');
  const store = join(data, 'kubebuilder-envtest/k8s');
  const folders = (await readdir(store).catch(() => [])).filter((name) => isComplete(join(store, name)));
  const newest = folders.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
  return newest === undefined ? undefined : join(store, newest);
}

async function describe(folder: string, origin: string): Promise<ControlPlaneBinaries> {
  const apiServer = join(folder, 'kube-apiserver');
  return {
    etcd: join(folder, 'etcd'),
    apiServer,
    controllerManager: join(folder, 'kube-controller-manager'),
    version: await versionOf(apiServer),
    origin,
  };
}
