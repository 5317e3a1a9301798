import { dirname, resolve } from 'node:path';
import type { ExecSettings } from './exec.ts';
import { SettingsError } from './failure.ts';
import {
  unreadable,
  type Connection,
  type Files,
  type Impersonation,
  type ProviderSettings,
} from './settings.ts';

interface Named<T> {
  name: string;
  value: T;
  /** Folder of the file it stands in: relative paths start there. */
  folder: string;
}

interface Cluster {
  server?: string;
  'certificate-authority'?: string;
  'certificate-authority-data'?: string;
  'insecure-skip-tls-verify'?: boolean;
  'tls-server-name'?: string;
  'proxy-url'?: string;
}

interface User {
  token?: string;
  tokenFile?: string;
  'client-certificate'?: string;
  'client-certificate-data'?: string;
  'client-key'?: string;
  'client-key-data'?: string;
  username?: string;
  password?: string;
  exec?: { apiVersion?: string; command?: string; args?: string[]; env?: { name: string; value: string }[] };
  'auth-provider'?: unknown;
  as?: string;
  'as-uid'?: string;
  'as-groups'?: string[];
  'as-user-extra'?: Record<string, string[]>;
}

interface Merged {
  clusters: Named<Cluster>[];
  users: Named<User>[];
  contexts: Named<{ cluster?: string; user?: string }>[];
  current: string | undefined;
}

/** Reads and merges kubeconfig files as kubectl does: of several entries of a name the first counts. */
export async function connectionFromFiles(
  paths: readonly string[],
  settings: ProviderSettings,
  files: Files,
): Promise<Partial<Connection>> {
  const merged = await load(paths, files);
  const contextName = settings.configContext ?? merged.current;
  const context = merged.contexts.find(({ name }) => name === contextName)?.value;
  const clusterName = settings.configContextCluster ?? context?.cluster;
  const userName = settings.configContextAuthInfo ?? context?.user;
  if (contextName && !context && !(clusterName && userName)) {
    throw new SettingsError(
      `The kubeconfig has no context "${contextName}"${known(merged.contexts)}.`,
      'config_context',
    );
  }
  const cluster = merged.clusters.find(({ name }) => name === clusterName);
  if (!cluster?.value.server) {
    throw new SettingsError(
      `The kubeconfig has no cluster "${clusterName ?? ''}"${known(merged.clusters)}.`,
      'config_path',
    );
  }
  const user = merged.users.find(({ name }) => name === userName);
  return { ...clusterConnection(cluster, files), ...(user && userConnection(user, files)) };
}

async function load(paths: readonly string[], files: Files): Promise<Merged> {
  const merged: Merged = { clusters: [], users: [], contexts: [], current: undefined };
  for (const file of paths) {
    const text = files.read(file);
    if (text === undefined) throw unreadable(file);
    const content = await parse(text, file);
    const folder = dirname(resolve(file));
    merged.clusters.push(...entries<Cluster>(content['clusters'], 'cluster', folder));
    merged.users.push(...entries<User>(content['users'], 'user', folder));
    merged.contexts.push(
      ...entries<{ cluster?: string; user?: string }>(content['contexts'], 'context', folder),
    );
    merged.current ??=
      typeof content['current-context'] === 'string' ? content['current-context'] : undefined;
  }
  return merged;
}

/** The parser's own message would quote the file, which holds keys. */
async function parse(text: string, file: string): Promise<Record<string, unknown>> {
  try {
    const content: unknown = /^\s*\{/.test(text)
      ? JSON.parse(text)
      : (await import('./yaml.ts')).parseYaml(text, { logLevel: 'error' });
    if (typeof content === 'object' && content !== null) return content as Record<string, unknown>;
  } catch {
    // Told below, without the text.
  }
  throw new SettingsError(`The kubeconfig ${file} is not valid YAML.`, 'config_path');
}

function entries<T>(list: unknown, member: string, folder: string): Named<T>[] {
  if (!Array.isArray(list)) return [];
  return list
    .filter((entry): entry is Record<string, unknown> => typeof entry === 'object' && entry !== null)
    .map((entry) => ({ name: String(entry['name']), value: (entry[member] ?? {}) as T, folder }));
}

function clusterConnection({ value, folder }: Named<Cluster>, files: Files): Partial<Connection> {
  const ca = dataOrFile(value['certificate-authority-data'], value['certificate-authority'], folder, files);
  return {
    ...(value.server && { server: value.server }),
    ...(ca && { ca }),
    ...(value['tls-server-name'] && { serverName: value['tls-server-name'] }),
    ...(value['insecure-skip-tls-verify'] && { isInsecure: true }),
    ...(value['proxy-url'] && { proxyUrl: value['proxy-url'] }),
  };
}

function userConnection({ value, folder, name }: Named<User>, files: Files): Partial<Connection> {
  if (value['auth-provider']) {
    const advice = 'Kubernetes removed that method; use an exec plugin or a token.';
    throw new SettingsError(
      `User "${name}" of the kubeconfig has an auth-provider. ${advice}`,
      'config_path',
    );
  }
  const certificate = dataOrFile(
    value['client-certificate-data'],
    value['client-certificate'],
    folder,
    files,
  );
  const key = dataOrFile(value['client-key-data'], value['client-key'], folder, files);
  const { token, tokenFile, username, password, exec } = value;
  return {
    ...(certificate && key && { clientCertificate: certificate, clientKey: key }),
    ...(token && { token }),
    ...(tokenFile && !token && { tokenFile: resolve(folder, tokenFile) }),
    ...(username && password && { basic: { username, password } }),
    ...(exec && { exec: execSettings(exec, folder) }),
    ...(value.as && { impersonate: impersonation(value.as, value) }),
  };
}

function impersonation(user: string, value: User): Impersonation {
  const { 'as-uid': uid, 'as-groups': groups, 'as-user-extra': extra } = value;
  return { user, ...(uid && { uid }), ...(groups && { groups }), ...(extra && { extra }) };
}

function execSettings(exec: NonNullable<User['exec']>, folder: string): ExecSettings {
  const command = exec.command ?? '';
  return {
    apiVersion: exec.apiVersion ?? 'client.authentication.k8s.io/v1',
    command: command.includes('/') ? resolve(folder, command) : command,
    args: exec.args ?? [],
    env: Object.fromEntries((exec.env ?? []).map(({ name, value }) => [name, value])),
  };
}

function dataOrFile(
  data: string | undefined,
  path: string | undefined,
  folder: string,
  files: Files,
): string | undefined {
  if (data) return Buffer.from(data, 'base64').toString('utf8');
  if (!path) return undefined;
  const text = files.read(resolve(folder, path));
  if (text === undefined)
    throw new SettingsError(`${path}, named by the kubeconfig, cannot be read.`, 'config_path');
  return text;
}

function known(entries: readonly Named<unknown>[]): string {
  return entries.length === 0 ? '' : `; it has ${entries.map(({ name }) => `"${name}"`).join(', ')}`;
}
