/**
 * Where the API server is and who we are.
 *
 * In a pod: the service account's files, read again so that a rotated token is taken up. Elsewhere (tests of the
 * runtime, development): a kubeconfig, read by @kubernetes/client-node, which takes a second to load and is
 * therefore imported only there.
 */
import { readFileSync } from 'node:fs';
import type { TlsOptions } from 'node:tls';

export interface Connection {
  /** `https://host:port`, without a trailing slash. */
  server: string;
  tls: Pick<TlsOptions, 'ca' | 'cert' | 'key'> & { rejectUnauthorized?: boolean; servername?: string };
  /** Value of the Authorization header at this moment, if any. */
  authorization: () => string | undefined;
  /** Namespace that we run in, or that the context names. */
  namespace: string;
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
/** Bound tokens live an hour and are replaced well before; a minute of age is safe and cheap. */
const TOKEN_AGE_MS = 60_000;

/** Kubeconfig `file` or $KUBECONFIG if set, else the pod's service account. */
export async function loadConnection(file = process.env['KUBECONFIG']): Promise<Connection> {
  return file === undefined || file === '' ? inCluster() : fromKubeconfig(file);
}

function inCluster(): Connection {
  const host = process.env['KUBERNETES_SERVICE_HOST'];
  const port = process.env['KUBERNETES_SERVICE_PORT'] ?? '443';
  if (host === undefined) {
    throw new Error('no API server is known: run in a pod, or name a kubeconfig in KUBECONFIG');
  }
  const token = fileCache(`${SERVICE_ACCOUNT}/token`, TOKEN_AGE_MS);
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    tls: { ca: readFileSync(`${SERVICE_ACCOUNT}/ca.crt`) },
    authorization: () => `Bearer ${token()}`,
    namespace: readFileSync(`${SERVICE_ACCOUNT}/namespace`, 'utf8').trim(),
  };
}

function fileCache(path: string, maxAgeMs: number): () => string {
  let value = readFileSync(path, 'utf8').trim();
  let readAt = performance.now();
  return () => {
    if (performance.now() - readAt > maxAgeMs) {
      value = readFileSync(path, 'utf8').trim();
      readAt = performance.now();
    }
    return value;
  };
}

async function fromKubeconfig(file: string): Promise<Connection> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  config.loadFromFile(file);
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error(`kubeconfig ${file} has no current cluster: set current-context`);
  const options: Parameters<typeof config.applyToHTTPSOptions>[0] = {};
  await config.applyToHTTPSOptions(options);
  const headers = options.headers as Record<string, string> | undefined;
  return {
    server: cluster.server.replace(/\/$/, ''),
    tls: {
      ...(options.ca ? { ca: options.ca as string } : {}),
      ...(options.cert ? { cert: options.cert as string } : {}),
      ...(options.key ? { key: options.key as string } : {}),
      ...(cluster.skipTLSVerify ? { rejectUnauthorized: false } : {}),
    },
    authorization: () => headers?.['Authorization'],
    namespace: config.getContextObject(config.getCurrentContext())?.namespace ?? 'default',
  };
}
