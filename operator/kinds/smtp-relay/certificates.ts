/** Which authority or certificate of a relay is due, in the order in which they build on each other. Pure. */
import { relayApi, type SmtpRelay } from '../../api/index.ts';
import type { Secret } from '../../kube/index.ts';
import {
  authorityStep,
  certificateReason,
  viewCertificate,
  type AuthorityStep,
  type CertificateReason,
} from '../../pki/index.ts';
import { certificateNames } from './names.ts';
import type { RelaySnapshot } from './snapshot.ts';

export type CertificateAction =
  | { do: 'authority'; which: 'smtp' | 'admin'; step: Exclude<AuthorityStep, 'keep'> }
  | { do: 'certificate'; which: 'smtp' | 'admin'; reason: CertificateReason };

/** Keys of an authority's Secret: `tls.*` signs, `next.*` is published and signs later, `previous.crt` signed before. */
export const AUTHORITY_KEYS = {
  cert: 'tls.crt',
  key: 'tls.key',
  nextCert: 'next.crt',
  nextKey: 'next.key',
  previousCert: 'previous.crt',
} as const;

export function certificateAction(
  relay: SmtpRelay,
  secrets: RelaySnapshot['secrets'],
  now: Date,
): CertificateAction | undefined {
  const smtp =
    relay.spec.tls === undefined
      ? dueOf('smtp', secrets.authority, secrets.certificate, certificateNames(relay), now)
      : undefined;
  return (
    smtp ??
    dueOf('admin', secrets.adminAuthority, secrets.adminCertificate, [relayApi.ADMIN_SERVER_NAME], now)
  );
}

function dueOf(
  which: 'smtp' | 'admin',
  authority: Secret | undefined,
  certificate: Secret | undefined,
  names: readonly string[],
  now: Date,
): CertificateAction | undefined {
  const current = textOf(authority, AUTHORITY_KEYS.cert);
  const step = authorityStep(
    { current: viewCertificate(current), next: viewCertificate(textOf(authority, AUTHORITY_KEYS.nextCert)) },
    now,
  );
  if (step !== 'keep') return { do: 'authority', which, step };
  const view = viewCertificate(textOf(certificate, 'tls.crt'), current);
  const reason = certificateReason(view, names, now);
  if (reason !== undefined) return { do: 'certificate', which, reason };
  // Its copy of the bundle tells apps what to trust: it follows the authority.
  return textOf(certificate, 'ca.crt') === bundleOf(authority)
    ? undefined
    : { do: 'certificate', which, reason: 'OtherAuthority' };
}

/** Everything that clients should trust: the one that signs, its successor, its predecessor while it lasts. */
export function bundleOf(authority: Secret | undefined): string | undefined {
  const { cert, nextCert, previousCert } = AUTHORITY_KEYS;
  const parts = [cert, nextCert, previousCert].flatMap((key) => textOf(authority, key) ?? []);
  return parts.length === 0 ? undefined : parts.map((pem) => `${pem.trim()}\n`).join('');
}

export function textOf(secret: Secret | undefined, key: string): string | undefined {
  const value = secret?.data?.[key];
  return value === undefined ? undefined : Buffer.from(value, 'base64').toString('utf8');
}
