import {
  error,
  object,
  type Attribute,
  type Call,
  type Diagnostic,
  type EphemeralOutcome,
  type EphemeralResource,
  type Schema,
  type ValueObject,
} from '../core/index.ts';
import type { KubeObject } from '../kube/index.ts';
import { awaitObject } from './await-object.ts';
import { address, DEFAULT_NAMESPACE } from './common.ts';
import type { ClusterHandle } from './cluster-handle.ts';
import { judgeReady } from './kind-behaviour.ts';
import { kindSchemas } from './schema.generated.ts';
import { withSession, type Session } from './session.ts';

const OPEN_TIMEOUT = '5m';
const { name, namespace } = address('SmtpAccount');

const result = (description: string, extra: Partial<Attribute> = {}): Attribute => ({
  type: 'string',
  computed: true,
  description,
  ...extra,
});

const schema: Schema = {
  version: 0,
  description:
    'The credentials of an SmtpAccount, for this run only: they are never written to a plan or a state. This is the one place where Terraform sees a password.',
  attributes: {
    name: {
      type: 'string',
      required: true,
      ...(name?.check && { check: name.check }),
      description: 'Name of the SmtpAccount.',
    },
    namespace: {
      type: 'string',
      optional: true,
      computed: true,
      ...(namespace?.check && { check: namespace.check }),
      description: `Its namespace. Default: \`${DEFAULT_NAMESPACE}\`.`,
    },
    uid: {
      type: 'string',
      optional: true,
      description: 'The `uid` of the `migosmtp_smtp_account`: makes Terraform wait until the account exists.',
    },
    host: result('Host that clients connect to.'),
    port: { type: 'number', computed: true, description: 'Port for STARTTLS.' },
    username: result('Login name.'),
    password: result('Password.', { sensitive: true }),
    uri: result('`smtp://user:password@host:port`, percent-encoded.', { sensitive: true }),
    encryption: result('How the connection is secured: `starttls`.'),
    from: result('Sender address that the account may use, where one is known.'),
    ca_certificate: result('PEM bundle to trust, when the relay has a private CA.'),
    secret_name: result('Secret that holds the credentials.'),
    credentials_revision: {
      type: 'number',
      computed: true,
      description: 'Revision of the password; drives `*_wo_version` arguments of other resources.',
    },
  },
};

const account = kindSchemas.smtp_account;

/** Waits until the account is Ready, so that the password given out is one that logs in. */
export const smtpCredentials: EphemeralResource<ClusterHandle> = { schema, open };

async function open(cluster: ClusterHandle, config: ValueObject, call: Call): Promise<EphemeralOutcome> {
  const value: ValueObject = { ...config, namespace: config['namespace'] ?? DEFAULT_NAMESPACE };
  const request = { cluster, schema: account, value, call, action: 'read', timeout: OPEN_TIMEOUT };
  const { state, diagnostics } = await withSession(request, async (session) => {
    const found = await readyAccount(session, config['uid']);
    if ('severity' in found) return { diagnostics: [found] };
    return credentials(session, value, found);
  });
  return { ...(state && { result: state }), ...(diagnostics && { diagnostics }) };
}

async function readyAccount(session: Session, uid: unknown): Promise<KubeObject | Diagnostic> {
  const { client, path, signal, title } = session;
  const start = await client.get(path, signal);
  if (start === undefined) return missing(title);
  if (typeof uid === 'string' && start.metadata.uid !== uid) return replaced(title);
  const wait = {
    start,
    declared: object(),
    isNew: false,
    judge: (found: KubeObject) => judgeReady(found, 'Suspended'),
  };
  const { last, problem } = await awaitObject(session, wait);
  return problem ?? last ?? missing(title);
}

async function credentials({ client, path, signal, title }: Session, value: ValueObject, found: KubeObject) {
  const status = found.status as
    { binding?: { name?: string }; credentials?: { revision?: number } } | undefined;
  const secretName = status?.binding?.name;
  if (secretName === undefined) return { diagnostics: [withoutSecret(title, 'none is named in status')] };
  const secretPath = { apiVersion: 'v1', plural: 'secrets', name: secretName };
  const where = path.namespace === undefined ? secretPath : { ...secretPath, namespace: path.namespace };
  const data = (await client.get(where, signal))?.data;
  if (!data) return { diagnostics: [withoutSecret(title, `${secretName} does not exist`)] };
  const entry = (binding: string, env?: string): string | null => {
    const encoded = data[binding] ?? (env === undefined ? undefined : data[env]);
    return encoded === undefined ? null : Buffer.from(encoded, 'base64').toString('utf8');
  };
  const parts = {
    host: entry('host', 'SMTP_HOST'),
    port: entry('port', 'SMTP_PORT'),
    username: entry('username', 'SMTP_USERNAME'),
    password: entry('password', 'SMTP_PASSWORD'),
  };
  return {
    state: object(
      Object.entries({
        ...value,
        ...parts,
        port: parts.port === null ? null : Number(parts.port),
        uri: entry('uri') ?? uriOf(parts),
        encryption: entry('encryption', 'SMTP_ENCRYPTION'),
        from: entry('from', 'SMTP_FROM'),
        ca_certificate: entry('ca.crt'),
        secret_name: secretName,
        credentials_revision: status?.credentials?.revision ?? null,
      }),
    ),
  };
}

type Parts = Readonly<Record<'host' | 'port' | 'username' | 'password', string | null>>;

function uriOf({ host, port, username, password }: Parts): string | null {
  if (host === null || username === null || password === null) return null;
  return `smtp://${encodeURIComponent(username)}:${encodeURIComponent(password)}@${host}:${port ?? '587'}`;
}

function missing(title: string): Diagnostic {
  return error(
    'Account does not exist',
    `${title} does not exist. Set uid = migosmtp_smtp_account.<name>.uid, so that the account is created first.`,
  );
}

function replaced(title: string): Diagnostic {
  return error(
    'Account is another one',
    `${title} has another uid than the one asked for: it was deleted and created again. Run terraform refresh.`,
  );
}

function withoutSecret(title: string, what: string): Diagnostic {
  return error(
    'Credentials are not there',
    `${title} is Ready, but its Secret is missing: ${what}. The operator makes it again; run again in a moment.`,
  );
}
