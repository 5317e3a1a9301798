/** What the credentials Secret holds. Pure. */
import { API_VERSION, type SmtpAccount } from '../../api/index.ts';
import type { OwnerReference, Secret } from '../../kube/index.ts';
import {
  ANNOTATIONS,
  secretNameOf,
  TYPE_LABEL,
  TYPE_VALUE,
  type Answered,
  type Owned,
  type PendingRollout,
  type PreviousPassword,
} from './published.ts';

/** Everything that goes into the Secret besides what the spec says. */
export interface Credentials {
  username: string;
  password: string;
  revision: number;
  verifierId: string;
  issuedAt: string;
  answered: Answered;
  previous: PreviousPassword[];
  /** UID of the Secret, when it came from a backup. */
  adopted?: string | undefined;
  rollout?: PendingRollout | undefined;
}

export interface Endpoint {
  /** `namespace/name` of the relay. */
  relay: string;
  host: string;
  port: number;
  caBundle: string | undefined;
  /** Sender address to publish. */
  from: string | undefined;
}

export function secretOf(account: SmtpAccount, credentials: Credentials, endpoint: Endpoint): Secret {
  const { secret } = account.spec;
  const data = encoded(dataOf(account, credentials, endpoint));
  const labels = {
    ...secret?.labels,
    [TYPE_LABEL]: TYPE_VALUE,
    'app.kubernetes.io/managed-by': 'migosmtp-operator',
  };
  const annotations: Record<string, string> = {
    ...secret?.annotations,
    [ANNOTATIONS.account]: account.metadata.name,
    [ANNOTATIONS.uid]: account.metadata.uid!,
    [ANNOTATIONS.relay]: endpoint.relay,
    [ANNOTATIONS.revision]: String(credentials.revision),
    [ANNOTATIONS.verifier]: credentials.verifierId,
    [ANNOTATIONS.issuedAt]: credentials.issuedAt,
    [ANNOTATIONS.answered]: JSON.stringify(credentials.answered),
    [ANNOTATIONS.previous]: JSON.stringify(credentials.previous),
  };
  const { adopted, rollout } = credentials;
  if (adopted !== undefined) annotations[ANNOTATIONS.adopted] = adopted;
  if (rollout !== undefined) annotations[ANNOTATIONS.rollout] = JSON.stringify(rollout);
  const owned: Owned = {
    data: Object.keys(data),
    labels: Object.keys(secret?.labels ?? {}),
    // Named here while it stands, so that it is taken back afterwards.
    annotations: [
      ...Object.keys(secret?.annotations ?? {}),
      ...(rollout === undefined ? [] : [ANNOTATIONS.rollout]),
    ],
  };
  annotations[ANNOTATIONS.owned] = JSON.stringify(owned);
  return {
    metadata: {
      namespace: account.metadata.namespace!,
      name: secretNameOf(account),
      labels,
      annotations,
      ownerReferences: ownersFor(account),
    },
    type: 'servicebinding.io/smtp',
    data,
  };
}

function dataOf(account: SmtpAccount, credentials: Credentials, endpoint: Endpoint): Record<string, string> {
  const { username, password } = credentials;
  const { host, port, from, caBundle } = endpoint;
  const uri = `smtp://${encodeURIComponent(username)}:${encodeURIComponent(password)}@${host}:${port}`;
  const values = { host, port: String(port), username, password, uri, encryption: 'starttls', from };
  const format = account.spec.secret?.format ?? 'Both';
  const binding = { type: 'smtp', provider: 'migosmtp', ...values };
  const env = {
    SMTP_HOST: host,
    SMTP_PORT: values.port,
    SMTP_USERNAME: username,
    SMTP_PASSWORD: password,
    SMTP_ENCRYPTION: 'starttls',
    SMTP_FROM: from,
  };
  const keys = Object.entries(account.spec.secret?.keys ?? {}).map(
    ([key, template]) => [key, filled(template, values)] as const,
  );
  return defined({
    ...(format === 'Env' ? {} : binding),
    ...(format === 'Binding' ? {} : env),
    'ca.crt': caBundle,
    ...Object.fromEntries(keys),
  });
}

/** `{{uri}}` and the like; a name that is not known stays as it is. */
function filled(template: string, values: Record<string, string | undefined>): string {
  return template.replaceAll(/\{\{\s*([a-z]+)\s*\}\}/g, (text, name: string) =>
    Object.hasOwn(values, name) ? (values[name] ?? '') : text,
  );
}

/** With Retain nobody: then nothing collects it. */
export function ownersFor(account: SmtpAccount): OwnerReference[] {
  return account.spec.secret?.deletionPolicy === 'Retain' ? [] : [accountOwner(account)];
}

function accountOwner(account: SmtpAccount): OwnerReference {
  return {
    apiVersion: API_VERSION,
    kind: 'SmtpAccount',
    name: account.metadata.name,
    uid: account.metadata.uid!,
    controller: true,
    blockOwnerDeletion: false,
  };
}

/**
 * JSON merge patch that makes a Secret of ours what it should be; undefined when it is. Keys, labels and annotations
 * that other people put there stay; those that we wrote earlier and want no longer go.
 */
export function secretPatch(present: Secret, wanted: Secret, owned: Owned): object | undefined {
  const patch = {
    data: difference(present.data, wanted.data, owned.data),
    metadata: {
      labels: difference(present.metadata.labels, wanted.metadata.labels, owned.labels),
      annotations: difference(present.metadata.annotations, wanted.metadata.annotations, owned.annotations),
      ...ownerDifference(present, wanted),
    },
  };
  const { labels, annotations, ...rest } = patch.metadata;
  const isSame = [patch.data, labels, annotations, rest].every((part) => Object.keys(part).length === 0);
  if (isSame) return undefined;
  const { resourceVersion, uid } = present.metadata;
  return { ...patch, metadata: { ...patch.metadata, resourceVersion, uid } };
}

/** Lists are replaced whole: owners of other kinds are kept. */
function ownerDifference(present: Secret, wanted: Secret): { ownerReferences?: OwnerReference[] } {
  const before = present.metadata.ownerReferences ?? [];
  const ownerReferences = ownersBeside(present, wanted.metadata.ownerReferences ?? []);
  const isSame =
    before.length === ownerReferences.length &&
    ownerReferences.every(({ uid }) => before.some((o) => o.uid === uid));
  return isSame ? {} : { ownerReferences };
}

/** Accounts of our own, and whoever else owns it. */
export function ownersBeside(present: Secret, accounts: readonly OwnerReference[]): OwnerReference[] {
  const isOther = ({ kind, apiVersion }: OwnerReference): boolean =>
    kind !== 'SmtpAccount' || apiVersion !== API_VERSION;
  return [...(present.metadata.ownerReferences ?? []).filter(isOther), ...accounts];
}

function difference(
  present: Record<string, string> = {},
  wanted: Record<string, string> = {},
  owned: readonly string[] = [],
): Record<string, string | null> {
  const patch: Record<string, string | null> = {};
  for (const [key, value] of Object.entries(wanted)) if (present[key] !== value) patch[key] = value;
  for (const key of owned) if (present[key] !== undefined && wanted[key] === undefined) patch[key] = null;
  return patch;
}

function defined(values: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

function encoded(values: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
}
