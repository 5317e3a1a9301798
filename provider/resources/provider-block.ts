import {
  asText,
  isList,
  isObject,
  isUnknown,
  type Attribute,
  type Schema,
  type Value,
  type ValueObject,
} from '../core/index.ts';
import type { ExecSettings, Impersonation, ProviderSettings } from '../kube/index.ts';

const text = (description: string, variable?: string, extra: Partial<Attribute> = {}): Attribute => ({
  type: 'string',
  optional: true,
  description: variable === undefined ? description : `${description} Environment: \`${variable}\`.`,
  ...extra,
});

/** The provider block as users of the kubernetes provider know it. */
export const providerSchema: Schema = {
  version: 0,
  description:
    'SMTP accounts for Kubernetes, declared as code. The provider talks to the Kubernetes API of one cluster and to nothing else.',
  attributes: {
    host: text('URL of the API server.', 'KUBE_HOST'),
    token: text('Bearer token.', 'KUBE_TOKEN', { sensitive: true }),
    client_certificate: text('PEM client certificate.', 'KUBE_CLIENT_CERT_DATA'),
    client_key: text('PEM key of the client certificate.', 'KUBE_CLIENT_KEY_DATA', { sensitive: true }),
    cluster_ca_certificate: text('PEM certificates that sign the API server.', 'KUBE_CLUSTER_CA_CERT_DATA'),
    tls_server_name: text(
      'Name in the certificate of the API server, when host is another.',
      'KUBE_TLS_SERVER_NAME',
    ),
    insecure: {
      type: 'bool',
      optional: true,
      description: 'Do not verify the certificate of the API server. Environment: `KUBE_INSECURE`.',
    },
    config_path: text('Path of a kubeconfig file.', 'KUBE_CONFIG_PATH'),
    config_paths: {
      type: ['list', 'string'],
      optional: true,
      description:
        'Paths of several kubeconfig files, merged as kubectl does. Environment: `KUBE_CONFIG_PATHS`.',
    },
    config_context: text('Context of the kubeconfig. Default: its current one.', 'KUBE_CTX'),
    config_context_cluster: text(
      'Cluster of the kubeconfig, in place of the one of the context.',
      'KUBE_CTX_CLUSTER',
    ),
    config_context_auth_info: text(
      'User of the kubeconfig, in place of the one of the context.',
      'KUBE_CTX_AUTH_INFO',
    ),
    proxy_url: text('HTTP proxy to the API server, `http://host:port`.', 'KUBE_PROXY_URL'),
  },
  blocks: {
    impersonate: {
      nesting: 'single',
      description: 'Act as another identity, which the own one must have the right to impersonate.',
      attributes: {
        user: { type: 'string', required: true, description: 'User name, or a service account.' },
        uid: { type: 'string', optional: true, description: 'Uid of the user.' },
        groups: { type: ['list', 'string'], optional: true, description: 'Groups of the user.' },
        extra: {
          type: ['map', ['list', 'string']],
          optional: true,
          description: 'Further fields of the user.',
        },
      },
    },
    exec: {
      nesting: 'single',
      description: 'Credential plugin, as in a kubeconfig.',
      attributes: {
        api_version: {
          type: 'string',
          required: true,
          description: 'Such as `client.authentication.k8s.io/v1`.',
        },
        command: { type: 'string', required: true, description: 'Program to run.' },
        args: { type: ['list', 'string'], optional: true, description: 'Its arguments.' },
        env: {
          type: ['map', 'string'],
          optional: true,
          sensitive: true,
          description: 'Variables added to its environment.',
        },
      },
    },
  },
};

/** Attributes whose values only apply will know. */
export function unknownAttributes(config: ValueObject): string[] {
  return Object.entries(config).flatMap(([name, value]) => (holdsUnknown(value) ? [name] : []));
}

export function settingsFrom(config: ValueObject): ProviderSettings {
  const stated: Record<string, unknown> = {
    host: config['host'],
    token: config['token'],
    insecure: config['insecure'],
    tlsServerName: config['tls_server_name'],
    clientCertificate: config['client_certificate'],
    clientKey: config['client_key'],
    clusterCaCertificate: config['cluster_ca_certificate'],
    configPath: config['config_path'],
    configPaths: config['config_paths'],
    configContext: config['config_context'],
    configContextCluster: config['config_context_cluster'],
    configContextAuthInfo: config['config_context_auth_info'],
    proxyUrl: config['proxy_url'],
    exec: execSettings(config['exec'] ?? null),
    impersonate: impersonation(config['impersonate'] ?? null),
  };
  return Object.fromEntries(
    Object.entries(stated).filter(([, value]) => value !== null && value !== undefined && value !== ''),
  );
}

function impersonation(value: Value): Impersonation | null {
  if (!isObject(value)) return null;
  const { user, uid = null, groups = null, extra = null } = value;
  const texts = (list: Value) => (isList(list) ? list.map(asText) : []);
  return {
    user: asText(user),
    ...(typeof uid === 'string' && { uid }),
    ...(isList(groups) && { groups: texts(groups) }),
    ...(isObject(extra) && {
      extra: Object.fromEntries(Object.entries(extra).map(([name, list]) => [name, texts(list)])),
    }),
  };
}

function execSettings(value: Value): ExecSettings | null {
  if (!isObject(value)) return null;
  const { api_version: apiVersion, command, args = null, env = null } = value;
  return {
    apiVersion: asText(apiVersion),
    command: asText(command),
    args: isList(args) ? args.map(asText) : [],
    env: isObject(env)
      ? Object.fromEntries(Object.entries(env).map(([name, item]) => [name, asText(item)]))
      : {},
  };
}

function holdsUnknown(value: Value): boolean {
  if (isUnknown(value)) return true;
  if (isList(value)) return value.some(holdsUnknown);
  return isObject(value) && Object.values(value).some(holdsUnknown);
}
