/**
 * When authorities and certificates are made anew. Pure.
 *
 * An authority is followed by its successor long before it ends: the successor is published beside it first, and
 * signs only after PUBLISH_MS, when clients have had time to take the bundle up.
 */

const DAY_MS = 86_400_000;
export const AUTHORITY_MS = 3650 * DAY_MS;
export const CERTIFICATE_MS = 90 * DAY_MS;
/** Time during which old and new authority are published before the new one signs. */
export const PUBLISH_MS = 7 * DAY_MS;
/** Certificates begin a little in the past, for clients whose clock is behind. */
export const BACKDATE_MS = 3_600_000;

/** A certificate as far as decisions need it. */
export interface CertificateView {
  notBefore: Date;
  notAfter: Date;
  dnsNames: readonly string[];
  /** Signed by the authority that signs now. */
  isSignedByCurrent: boolean;
}

export interface AuthorityView {
  current: Pick<CertificateView, 'notBefore' | 'notAfter'> | undefined;
  next: Pick<CertificateView, 'notBefore' | 'notAfter'> | undefined;
}

export type AuthorityStep = 'keep' | 'create' | 'publish-next' | 'switch-to-next';

export function authorityStep({ current, next }: AuthorityView, now: Date): AuthorityStep {
  if (current === undefined || current.notAfter <= now) return 'create';
  if (next !== undefined) {
    const publishedAt = next.notBefore.getTime() + BACKDATE_MS;
    return now.getTime() - publishedAt >= PUBLISH_MS ? 'switch-to-next' : 'keep';
  }
  return isDue(current, now, 0.8) ? 'publish-next' : 'keep';
}

export type CertificateReason = 'Missing' | 'OtherAuthority' | 'OtherNames' | 'Due';

/** Why a certificate must be issued anew; undefined when it is good. */
export function certificateReason(
  present: CertificateView | undefined,
  names: readonly string[],
  now: Date,
): CertificateReason | undefined {
  if (present === undefined) return 'Missing';
  if (!present.isSignedByCurrent) return 'OtherAuthority';
  const isSame = names.length === present.dnsNames.length && names.every((n) => present.dnsNames.includes(n));
  if (!isSame) return 'OtherNames';
  return isDue(present, now, 2 / 3) ? 'Due' : undefined;
}

function isDue(
  { notBefore, notAfter }: Pick<CertificateView, 'notBefore' | 'notAfter'>,
  now: Date,
  part: number,
): boolean {
  const lifeMs = notAfter.getTime() - notBefore.getTime();
  return now.getTime() >= notBefore.getTime() + lifeMs * part;
}
