/** Makes the authorities and certificates that were decided, and stores them in their Secrets. */
import type { SmtpRelay } from '../../api/index.ts';
import { relayApi } from '../../api/index.ts';
import { RELAY_LABEL } from '../../caches.ts';
import type { OperatorContext } from '../../context.ts';
import { Secrets, type Secret } from '../../kube/index.ts';
import {
  AUTHORITY_MS,
  BACKDATE_MS,
  CERTIFICATE_MS,
  makeAuthority,
  signCertificate,
  viewCertificate,
  type KeyPair,
} from '../../pki/index.ts';
import { relayOwner, type AdminIdentity } from '../../projection/index.ts';
import { AUTHORITY_KEYS, bundleOf, textOf, type CertificateAction } from './certificates.ts';
import { certificateNames, hostOf, labelsOf, namesOf } from './names.ts';
import { retainedMetadata } from './objects.ts';
import type { RelaySnapshot } from './snapshot.ts';

type Data = Record<string, string>;

export async function certify(
  context: OperatorContext,
  relay: SmtpRelay,
  secrets: RelaySnapshot['secrets'],
  action: CertificateAction,
): Promise<void> {
  const names = namesOf(relay);
  const isSmtp = action.which === 'smtp';
  const authority = isSmtp ? secrets.authority : secrets.adminAuthority;
  if (action.do === 'authority') {
    const data = await authorityData(relay, authority, action);
    const name = isSmtp ? names.authority : names.adminAuthority;
    await store(context, relay, authority, { ...retainedMetadata(relay), name }, 'Opaque', data);
    return;
  }
  const present = isSmtp ? secrets.certificate : secrets.adminCertificate;
  const pair = await signCertificate(signerOf(authority), {
    commonName: isSmtp ? hostOf(relay) : relayApi.ADMIN_SERVER_NAME,
    dnsNames: isSmtp ? certificateNames(relay) : [relayApi.ADMIN_SERVER_NAME],
    usage: 'server',
    ...validity(CERTIFICATE_MS),
  });
  const data = { 'tls.crt': pair.cert, 'tls.key': pair.key, 'ca.crt': bundleOf(authority)! };
  const metadata = {
    namespace: names.namespace,
    name: isSmtp ? names.certificate : names.adminCertificate,
    labels: labelsOf(relay),
    ownerReferences: [relayOwner(relay)],
  };
  await store(context, relay, present, metadata, 'kubernetes.io/tls', data);
}

/** How the operator shows itself to this relay's pods. The key lives in this process only. */
export async function adminIdentity(authority: Secret | undefined): Promise<AdminIdentity> {
  const signer = signerOf(authority);
  const notAfter = viewCertificate(signer.cert)!.notAfter;
  const pair = await signCertificate(signer, {
    commonName: 'migosmtp-operator',
    dnsNames: [],
    usage: 'client',
    notBefore: new Date(Date.now() - BACKDATE_MS),
    notAfter,
  });
  return { ca: bundleOf(authority)!, ...pair };
}

async function authorityData(
  relay: SmtpRelay,
  present: Secret | undefined,
  action: CertificateAction & { do: 'authority' },
): Promise<Data> {
  const { cert, key, nextCert, nextKey, previousCert } = AUTHORITY_KEYS;
  const current = action.step === 'create' ? undefined : signerOf(present);
  switch (action.step) {
    case 'create':
    case 'publish-next': {
      const { namespace, name } = relay.metadata;
      const { notBefore, notAfter } = validity(AUTHORITY_MS);
      const pair = await makeAuthority(
        `${namespace}/${name} ${action.which} CA`.slice(-64),
        notBefore,
        notAfter,
      );
      if (current === undefined) return { [cert]: pair.cert, [key]: pair.key };
      return { [cert]: current.cert, [key]: current.key, [nextCert]: pair.cert, [nextKey]: pair.key };
    }
    case 'switch-to-next':
      return {
        [cert]: textOf(present, nextCert)!,
        [key]: textOf(present, nextKey)!,
        [previousCert]: current!.cert,
      };
  }
}

function signerOf(authority: Secret | undefined): KeyPair {
  const cert = textOf(authority, AUTHORITY_KEYS.cert);
  const key = textOf(authority, AUTHORITY_KEYS.key);
  if (cert === undefined || key === undefined) throw new Error('the authority has no certificate or no key');
  return { cert, key };
}

function validity(lifeMs: number): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - BACKDATE_MS), notAfter: new Date(now + lifeMs) };
}

/** POST, or replace exactly what was read: another writer's certificate is never overwritten unseen. */
async function store(
  { client }: OperatorContext,
  relay: SmtpRelay,
  present: Secret | undefined,
  metadata: Secret['metadata'],
  type: string,
  data: Data,
): Promise<void> {
  const secret: Secret = {
    metadata: {
      ...metadata,
      ...(present === undefined ? {} : { resourceVersion: present.metadata.resourceVersion! }),
    },
    type: present?.type ?? type,
    data: Object.fromEntries(
      Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
    ),
  };
  if (present === undefined) {
    await client.create(Secrets, secret);
    return;
  }
  if (present.metadata.labels?.[RELAY_LABEL] !== relay.metadata.name) {
    throw new Error(
      `Secret ${metadata.namespace}/${metadata.name} exists and is not the operator's: rename or delete it`,
    );
  }
  await client.replace(Secrets, secret);
}
