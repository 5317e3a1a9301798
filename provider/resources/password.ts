import {
  asText,
  at,
  attribute,
  error,
  object,
  type Attributes,
  type Diagnostic,
  type Value,
  type ValueObject,
} from '../core/index.ts';
import type { ResourcePath } from '../kube/index.ts';
import type { Companion } from './kind-behaviour.ts';
import { kindSchemas } from './schema.generated.ts';
import type { Session } from './session.ts';

/** Marks a Secret as written here for an account: others are never touched. */
const OWNER_LABEL = 'migosmtp.com/password-of';
const KEY = 'password';
const { apiVersion, kind } = kindSchemas.smtp_account;

const attributes: Attributes = {
  password_wo: {
    type: 'string',
    optional: true,
    sensitive: true,
    writeOnly: true,
    check: { minLength: 1 },
    description:
      'Password of your own (Terraform 1.11). It goes into a Secret that `password_from` of the object names, and into no plan or state.',
  },
  password_wo_version: {
    type: 'number',
    optional: true,
    check: { wholeNumber: true, min: 0 },
    description: 'Raise it when `password_wo` changes: Terraform cannot see that by itself.',
  },
};

/**
 * The password that a configuration brings along: it stands in a Secret of its own for each version, so that a new
 * version is a change of the object, and the wait for Ready is one for the new password.
 */
export const passwordCompanion: Companion = {
  attributes,
  validate,
  isWanted: (planned) => secretName(planned) !== undefined,
  declared: (planned) => {
    const name = secretName(planned);
    if (name === undefined) return planned;
    return object([
      ...Object.entries(planned),
      [
        'password_from',
        object([
          ['name', name],
          ['key', KEY],
        ]),
      ],
    ]);
  },
  async before(session, { prior, planned, config }) {
    const name = secretName(planned);
    const password = config['password_wo'];
    if (name === undefined || (prior && secretName(prior) === name)) return undefined;
    if (typeof password !== 'string') return withoutPassword();
    return writeSecret(session, name, { password, uid: prior?.['uid'] });
  },
  /** So that the Secret goes with the account, whoever deletes that. */
  async adopt(session, { planned, uid }) {
    const name = secretName(planned);
    const { client, signal, path } = session;
    if (name === undefined || uid === undefined) return;
    await client.merge(secretPath(session, name), { metadata: ownedBy(path.name, uid) }, signal);
  },
  async after(session, { prior, planned }) {
    const old = prior ? secretName(prior) : undefined;
    if (old !== undefined && old !== (planned ? secretName(planned) : undefined))
      await removeSecret(session, old);
  },
};

function secretName(value: ValueObject): string | undefined {
  const version = value['password_wo_version'];
  return typeof version === 'number' ? `${asText(value['name'])}-password-v${version}` : undefined;
}

function validate(config: ValueObject): Diagnostic[] {
  const has = (name: string) => (config[name] ?? null) !== null;
  if (!has('password_wo') && !has('password_wo_version')) return [];
  const problem = (name: string, words: string) => [
    error('Invalid combination of attributes', words, at(name)),
  ];
  if (!has('password_wo_version'))
    return problem('password_wo', 'password_wo needs password_wo_version: raise it with each new password.');
  // A version alone says that nothing changes: a run need not have the password at hand.
  if (!has('password_wo')) return [];
  if (has('password_from'))
    return problem('password_wo', 'password_wo and password_from exclude each other.');
  if (isStated(attribute(config['rotation'] ?? null, 'interval')))
    return problem(
      'password_wo',
      'rotation.interval cannot be used with password_wo: a brought password is rotated by its owner.',
    );
  return [];
}

function isStated(value: Value): boolean {
  return typeof value === 'string';
}

async function writeSecret(
  session: Session,
  name: string,
  { password, uid }: { password: string; uid: Value | undefined },
): Promise<Diagnostic | undefined> {
  const { client, signal, path } = session;
  const where = secretPath(session, name);
  const found = await client.get(where, signal);
  if (found && found.metadata.labels?.[OWNER_LABEL] !== path.name) return foreign(session, name);
  // One that belonged to an account of before is on its way out: garbage collection would take a change of it along.
  if (found?.metadata.uid !== undefined && uid === undefined)
    await client.delete(where, found.metadata.uid, signal);
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      namespace: path.namespace,
      labels: { [OWNER_LABEL]: path.name },
      ...(typeof uid === 'string' && ownedBy(path.name, uid)),
    },
    type: 'Opaque',
    data: { [KEY]: Buffer.from(password, 'utf8').toString('base64') },
  };
  await client.apply(where, secret, { force: false }, signal);
  return undefined;
}

function ownedBy(name: string, uid: string): object {
  return { ownerReferences: [{ apiVersion, kind, name, uid }] };
}

async function removeSecret(session: Session, name: string): Promise<void> {
  const { client, signal, path } = session;
  const where = secretPath(session, name);
  const { metadata } = (await client.get(where, signal)) ?? {};
  if (metadata?.uid === undefined || metadata.labels?.[OWNER_LABEL] !== path.name) return;
  await client.delete(where, metadata.uid, signal);
}

function secretPath({ path }: Session, name: string): ResourcePath {
  const { namespace } = path;
  return { apiVersion: 'v1', plural: 'secrets', name, ...(namespace !== undefined && { namespace }) };
}

function foreign({ path }: Session, name: string): Diagnostic {
  return error(
    'Secret exists already',
    `Secret ${path.namespace ?? ''}/${name}, where the password would go, was made by someone else. Remove it, or use another password_wo_version.`,
    at('password_wo_version'),
  );
}

function withoutPassword(): Diagnostic {
  return error(
    'Password is missing',
    'password_wo is null now, but password_wo_version asks for a new password. State both.',
    at('password_wo_version'),
  );
}
