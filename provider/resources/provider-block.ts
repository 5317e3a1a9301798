import { at, error, type Attribute, type Diagnostic, type Schema, type ValueObject } from '../core/index.ts';
import { TOKEN_PATTERN, type Environment } from '../kube/index.ts';

const text = (description: string, variable?: string, extra: Partial<Attribute> = {}): Attribute => ({
  type: 'string',
  optional: true,
  description: variable === undefined ? description : `${description} Environment: \`${variable}\`.`,
  ...extra,
});

/** Empty text counts as not stated: a variable without a value leaves it to the environment. */
const HOST_CHECK = {
  pattern: String.raw`^$|^(https?://)?(\[[0-9A-Fa-f:.]+\]|[^\s/:@[\]]+)(:[0-9]{1,5})?(/\S*)?$`,
  rule: 'must be a URL such as "https://10.0.0.1:6443"',
};
const TOKEN_CHECK = {
  pattern: `^$|${TOKEN_PATTERN}`,
  rule: 'must be one word without spaces or line breaks: trimspace(file(...)) where it comes from a file',
};
const PROXY_CHECK = {
  pattern: String.raw`^$|^http://\S+$`,
  rule: 'must be the URL of an HTTP proxy such as "http://proxy:3128"',
};
const EXEC_VERSIONS = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1'];
/** Each goes into a header. */
const ONE_LINE = { pattern: String.raw`^[^\r\n]*$`, rule: 'must be one line' };
/** A kubeconfig has these in base64, and that is what people paste. */
const pem = (what: string) => ({
  pattern: `^$|-----BEGIN [A-Z ]*${what}-----`,
  rule: `must be PEM text with "-----BEGIN ${what}-----": base64decode(...) of what a kubeconfig holds`,
});

/** The provider block as users of the kubernetes provider know it. */
export const providerSchema: Schema = {
  version: 0,
  description:
    'SMTP accounts for Kubernetes, declared as code. The provider talks to the Kubernetes API of one cluster and to nothing else.',
  attributes: {
    host: text('URL of the API server.', 'KUBE_HOST', { check: HOST_CHECK }),
    token: text('Bearer token.', 'KUBE_TOKEN', { sensitive: true, check: TOKEN_CHECK }),
    client_certificate: text('PEM client certificate.', 'KUBE_CLIENT_CERT_DATA', {
      check: pem('CERTIFICATE'),
    }),
    client_key: text('PEM key of the client certificate.', 'KUBE_CLIENT_KEY_DATA', {
      sensitive: true,
      check: pem('PRIVATE KEY'),
    }),
    cluster_ca_certificate: text('PEM certificates that sign the API server.', 'KUBE_CLUSTER_CA_CERT_DATA', {
      check: pem('CERTIFICATE'),
    }),
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
    proxy_url: text('HTTP proxy to the API server, `http://host:port`.', 'KUBE_PROXY_URL', {
      check: PROXY_CHECK,
    }),
  },
  blocks: {
    impersonate: {
      nesting: 'single',
      description: 'Act as another identity, which the own one must have the right to impersonate.',
      attributes: {
        user: {
          type: 'string',
          required: true,
          check: ONE_LINE,
          description: 'User name, or a service account.',
        },
        uid: { type: 'string', optional: true, check: ONE_LINE, description: 'Uid of the user.' },
        groups: {
          type: ['list', 'string'],
          optional: true,
          check: { each: ONE_LINE },
          description: 'Groups of the user.',
        },
        extra: {
          type: ['map', ['list', 'string']],
          optional: true,
          check: { each: { each: ONE_LINE } },
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
          check: { oneOf: EXEC_VERSIONS },
          description: `Version of what the plugin prints. One of ${EXEC_VERSIONS.map((version) => `\`${version}\``).join(', ')}.`,
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

/** What no single attribute shows; the environment may have the other half. */
export function blockProblems(config: ValueObject, environment: Environment): Diagnostic[] {
  const halves = [
    { name: 'client_certificate', other: 'client_key', variable: 'KUBE_CLIENT_KEY_DATA' },
    { name: 'client_key', other: 'client_certificate', variable: 'KUBE_CLIENT_CERT_DATA' },
  ];
  const isAbsent = (name: string) => (config[name] ?? '') === '';
  return halves
    .filter(({ name, other, variable }) => !isAbsent(name) && isAbsent(other) && !environment[variable])
    .map(({ name, other }) =>
      error('Invalid combination of attributes', `${name} needs ${other} beside it.`, at(name)),
    );
}
