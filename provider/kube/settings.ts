import { homedir } from 'node:os';
import { delimiter } from 'node:path';
import { SettingsError } from './failure.ts';
import type { ExecSettings } from './exec.ts';

/** Where the API server is, and who asks. */
export interface Connection {
  readonly server: string;
  readonly ca?: string;
  readonly serverName?: string;
  readonly isInsecure: boolean;
  readonly proxyUrl?: string;
  readonly clientCertificate?: string;
  readonly clientKey?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly basic?: { readonly username: string; readonly password: string };
  readonly exec?: ExecSettings;
  readonly impersonate?: Impersonation;
}

/** Whom the API server is to take the caller for, if the caller may do that. */
export interface Impersonation {
  readonly user: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** The provider block, with what the environment adds; absent is undefined. */
export interface ProviderSettings {
  readonly host?: string;
  readonly token?: string;
  readonly insecure?: boolean;
  readonly tlsServerName?: string;
  readonly clientCertificate?: string;
  readonly clientKey?: string;
  readonly clusterCaCertificate?: string;
  readonly configPath?: string;
  readonly configPaths?: readonly string[];
  readonly configContext?: string;
  readonly configContextCluster?: string;
  readonly configContextAuthInfo?: string;
  readonly proxyUrl?: string;
  readonly exec?: ExecSettings;
  readonly impersonate?: Impersonation;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Files {
  /** Text of a file, undefined where there is none. */
  read(path: string): string | undefined;
}

/** Attribute -> variable, as users of the kubernetes provider know them. */
const VARIABLES = {
  host: 'KUBE_HOST',
  token: 'KUBE_TOKEN',
  tlsServerName: 'KUBE_TLS_SERVER_NAME',
  clientCertificate: 'KUBE_CLIENT_CERT_DATA',
  clientKey: 'KUBE_CLIENT_KEY_DATA',
  clusterCaCertificate: 'KUBE_CLUSTER_CA_CERT_DATA',
  configPath: 'KUBE_CONFIG_PATH',
  configContext: 'KUBE_CTX',
  configContextCluster: 'KUBE_CTX_CLUSTER',
  configContextAuthInfo: 'KUBE_CTX_AUTH_INFO',
  proxyUrl: 'KUBE_PROXY_URL',
} as const;

export function withEnvironment(block: ProviderSettings, environment: Environment): ProviderSettings {
  const fallbacks = Object.entries(VARIABLES).flatMap(([name, variable]) => {
    const value = environment[variable];
    return value ? [[name, value] as const] : [];
  });
  const paths = environment['KUBE_CONFIG_PATHS'];
  return {
    ...Object.fromEntries(fallbacks),
    ...(paths && { configPaths: paths.split(':') }),
    ...(/^(1|t|true)$/i.test(environment['KUBE_INSECURE'] ?? '') && { insecure: true }),
    ...block,
  };
}

/** What is stated in the block wins over the kubeconfig file, which wins over the pod's own account. */
export async function resolveConnection(
  settings: ProviderSettings,
  environment: Environment,
  files: Files,
): Promise<Connection> {
  const paths = kubeconfigs(settings, environment);
  let base: Partial<Connection> = {};
  if (paths.length > 0) {
    const { connectionFromFiles } = await import('./kubeconfig.ts');
    base = await connectionFromFiles(paths, settings, files);
  } else if (settings.host === undefined) base = inCluster(environment, files) ?? {};
  const connection = { isInsecure: false, ...withoutLogin(base, settings), ...stated(settings) };
  if (connection.server === undefined) throw new SettingsError(NO_CLUSTER);
  if (connection.token !== undefined && !TOKEN.test(connection.token)) {
    throw new SettingsError('The token holds a space or line break: it must be one word.', 'token');
  }
  const proxyUrl = connection.proxyUrl ?? environmentProxy(connection.server, environment);
  return { ...connection, server: normalizeHost(connection.server), ...(proxyUrl && { proxyUrl }) };
}

/** Why there is surely no connection as things stand: found without reading a kubeconfig, which takes a parser. */
export function missingCluster(
  settings: ProviderSettings,
  environment: Environment,
  files: Files,
): SettingsError | undefined {
  const paths = kubeconfigs(settings, environment);
  const missing = paths.find((path) => files.read(path) === undefined);
  if (missing !== undefined) return unreadable(missing);
  if (paths.length > 0 || settings.host !== undefined || inCluster(environment, files)) return undefined;
  return new SettingsError(NO_CLUSTER);
}

export function unreadable(kubeconfig: string): SettingsError {
  return new SettingsError(`The kubeconfig ${kubeconfig} cannot be read.`, 'config_path');
}

/** All files that are named, those of config_paths first. */
function kubeconfigs({ configPath, configPaths = [] }: ProviderSettings, environment: Environment): string[] {
  const home = environment['HOME'] ?? homedir();
  return [...configPaths, ...(configPath ? [configPath] : [])]
    .flatMap((path) => path.split(delimiter))
    .map((path) => path.replace(/^~(?=$|\/)/, home));
}

/** What fits into a header; a file that is read often ends with a line break. */
export const TOKEN_PATTERN = '^[!-~]+$';
const TOKEN = new RegExp(TOKEN_PATTERN);

/** A plugin that the block states counts for more than the token of a kubeconfig. */
function withoutLogin(base: Partial<Connection>, { exec }: ProviderSettings): Partial<Connection> {
  if (exec === undefined) return base;
  const { token: _token, tokenFile: _file, basic: _basic, ...rest } = base;
  return rest;
}

const NO_CLUSTER =
  'No cluster is named. Set config_path (and config_context), or host with its credentials, in the provider block, ' +
  'or KUBE_CONFIG_PATH or KUBE_HOST in the environment. KUBECONFIG and ~/.kube/config are not read unasked.';

function stated(settings: ProviderSettings): Partial<Connection> {
  const { host, token, clientCertificate, clientKey, clusterCaCertificate, exec, proxyUrl } = settings;
  if ((clientCertificate === undefined) !== (clientKey === undefined)) {
    throw new SettingsError('client_certificate and client_key go together.', 'client_certificate');
  }
  return {
    ...(host && { server: host }),
    ...(token && { token }),
    ...(clientCertificate && clientKey && { clientCertificate, clientKey }),
    ...(clusterCaCertificate && { ca: clusterCaCertificate }),
    ...(settings.tlsServerName && { serverName: settings.tlsServerName }),
    ...(settings.insecure !== undefined && { isInsecure: settings.insecure }),
    ...(proxyUrl && { proxyUrl }),
    ...(exec && { exec }),
    ...(settings.impersonate && { impersonate: settings.impersonate }),
  };
}

const ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

function inCluster(environment: Environment, files: Files): Partial<Connection> | undefined {
  const host = environment['KUBERNETES_SERVICE_HOST'];
  const ca = files.read(`${ACCOUNT_FOLDER}/ca.crt`);
  if (!host || ca === undefined) return undefined;
  const port = environment['KUBERNETES_SERVICE_PORT'] ?? '443';
  const address = host.includes(':') ? `[${host}]` : host;
  return { server: `https://${address}:${port}`, ca, tokenFile: `${ACCOUNT_FOLDER}/token` };
}

function normalizeHost(host: string): string {
  const url = host.includes('://') ? host : `https://${host}`;
  if (!URL.canParse(url) || !/^https?:/.test(url))
    throw new SettingsError('host is not an URL such as https://10.0.0.1:6443.', 'host');
  return url.replace(/\/+$/, '');
}

/** HTTPS_PROXY with NO_PROXY; never for this machine itself. */
function environmentProxy(server: string, environment: Environment): string | undefined {
  const proxy = environment['HTTPS_PROXY'] || environment['https_proxy'];
  const url = normalizeHost(server);
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  if (!proxy || !url.startsWith('https:') || /^(localhost|127\..*|::1)$/.test(host)) return undefined;
  const exceptions = (environment['NO_PROXY'] || environment['no_proxy'] || '').split(',');
  const isExcepted = exceptions
    .map((entry) => entry.trim().replace(/^\*?\./, ''))
    .some((entry) => entry === '*' || (entry !== '' && (host === entry || host.endsWith(`.${entry}`))));
  return isExcepted ? undefined : proxy;
}
