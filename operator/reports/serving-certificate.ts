/**
 * The certificate of the reports service: made by the process that leads, served by every replica.
 *
 * Two Secrets in the operator's namespace: `migosmtp-reports-ca` (the authority; never mounted) and
 * `migosmtp-reports-tls`; the ConfigMap `migosmtp-reports-ca` shows everybody what to trust.
 */
import {
  AUTHORITY_MS,
  BACKDATE_MS,
  CERTIFICATE_MS,
  authorityStep,
  certificateReason,
  makeAuthority,
  signCertificate,
  viewCertificate,
  type KeyPair,
} from '../pki/index.ts';
import { REPORTS_NAME } from './names.ts';
import { ConfigMaps, Secrets, type KubeClient, type Secret } from '../kube/index.ts';

const AUTHORITY = `${REPORTS_NAME}-ca`;
const CERTIFICATE = `${REPORTS_NAME}-tls`;
const LABELS = {
  'app.kubernetes.io/managed-by': 'migosmtp-operator',
  'app.kubernetes.io/component': 'reports',
};

/** What is there to be served; undefined until the leader has made it. */
export async function readCertificate(client: KubeClient, namespace: string): Promise<KeyPair | undefined> {
  const secret = await client.find(Secrets, { namespace, name: CERTIFICATE });
  const cert = textOf(secret, 'tls.crt');
  const key = textOf(secret, 'tls.key');
  return cert === undefined || key === undefined ? undefined : { cert, key };
}

/** Make whatever is missing or due; one step after the other. Only for the process that leads. */
export async function renewCertificate(client: KubeClient, namespace: string, now: Date): Promise<void> {
  const authority = await renewAuthority(client, namespace, now);
  const bundle = bundleOf(authority);
  await publishBundle(client, namespace, bundle);
  const present = await client.find(Secrets, { namespace, name: CERTIFICATE });
  const names = namesIn(namespace);
  const view = viewCertificate(textOf(present, 'tls.crt'), textOf(authority, 'tls.crt'));
  if (certificateReason(view, names, now) === undefined && textOf(present, 'ca.crt') === bundle) return;
  const pair = await signCertificate(signerOf(authority), {
    commonName: names[2] ?? REPORTS_NAME,
    dnsNames: names,
    usage: 'server',
    ...validity(now, CERTIFICATE_MS),
  });
  const data = { 'tls.crt': pair.cert, 'tls.key': pair.key, 'ca.crt': bundle };
  await store(client, present, namespace, CERTIFICATE, 'kubernetes.io/tls', data);
}

/** Public, and written only when it changes. */
async function publishBundle(client: KubeClient, namespace: string, bundle: string): Promise<void> {
  const metadata = { namespace, name: AUTHORITY, labels: LABELS };
  const present = await client.find(ConfigMaps, metadata);
  if (present?.data?.['ca.crt'] === bundle) return;
  await client.apply(ConfigMaps, { metadata, data: { 'ca.crt': bundle } }, { force: true });
}

/** Names under which the Service is reached. */
function namesIn(namespace: string): string[] {
  const service = `${REPORTS_NAME}.${namespace}.svc`;
  return [REPORTS_NAME, `${REPORTS_NAME}.${namespace}`, service, `${service}.cluster.local`];
}

async function renewAuthority(client: KubeClient, namespace: string, now: Date): Promise<Secret> {
  const present = await client.find(Secrets, { namespace, name: AUTHORITY });
  const current = viewCertificate(textOf(present, 'tls.crt'));
  const next = viewCertificate(textOf(present, 'next.crt'));
  const step = authorityStep({ current, next }, now);
  if (step === 'keep') return present!;
  const data = step === 'switch-to-next' ? switched(present) : await published(present, step, now);
  return store(client, present, namespace, AUTHORITY, 'Opaque', data);
}

async function published(
  present: Secret | undefined,
  step: 'create' | 'publish-next',
  now: Date,
): Promise<Record<string, string>> {
  const { notBefore, notAfter } = validity(now, AUTHORITY_MS);
  const pair = await makeAuthority(`${REPORTS_NAME} CA`, notBefore, notAfter);
  if (step === 'create') return { 'tls.crt': pair.cert, 'tls.key': pair.key };
  const { cert, key } = signerOf(present);
  return { 'tls.crt': cert, 'tls.key': key, 'next.crt': pair.cert, 'next.key': pair.key };
}

function switched(present: Secret | undefined): Record<string, string> {
  return {
    'tls.crt': textOf(present, 'next.crt')!,
    'tls.key': textOf(present, 'next.key')!,
    'previous.crt': signerOf(present).cert,
  };
}

/** Old and new authority side by side, so that clients trust both before the new one signs. */
function bundleOf(authority: Secret): string {
  const parts = ['tls.crt', 'next.crt', 'previous.crt'].flatMap((key) => textOf(authority, key) ?? []);
  return parts.map((pem) => `${pem.trim()}\n`).join('');
}

/** POST, or replace exactly what was read. */
function store(
  client: KubeClient,
  present: Secret | undefined,
  namespace: string,
  name: string,
  type: string,
  data: Record<string, string>,
): Promise<Secret> {
  const encoded = Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
  const secret: Secret = {
    metadata: { namespace, name, labels: LABELS },
    type: present?.type ?? type,
    data: Object.fromEntries(encoded) as Record<string, string>,
  };
  if (present === undefined) return client.create(Secrets, secret);
  const { resourceVersion } = present.metadata;
  return client.replace(Secrets, {
    ...secret,
    metadata: { ...secret.metadata, resourceVersion: resourceVersion! },
  });
}

function signerOf(authority: Secret | undefined): KeyPair {
  const cert = textOf(authority, 'tls.crt');
  const key = textOf(authority, 'tls.key');
  if (cert === undefined || key === undefined)
    throw new Error(`Secret ${AUTHORITY} has no certificate or no key`);
  return { cert, key };
}

function textOf(secret: Secret | undefined, key: string): string | undefined {
  const value = secret?.data?.[key];
  return value === undefined ? undefined : Buffer.from(value, 'base64').toString('utf8');
}

function validity(now: Date, lifeMs: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(now.getTime() - BACKDATE_MS), notAfter: new Date(now.getTime() + lifeMs) };
}
