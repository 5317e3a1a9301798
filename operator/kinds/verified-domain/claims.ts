/** Who owns a domain on a relay when several namespaces claim it. Pure. */

export interface Claim {
  /** `namespace/name` of the VerifiedDomain. */
  key: string;
  namespace: string;
  createdAt: string;
  /** Since when its ownership record has stood; undefined: not proven. */
  provenSince: string | undefined;
}

/**
 * Among proven claims the one that was proven first, then created first, then by name. A claim that was declared
 * early but proven late does not displace who sends already.
 */
export function owningClaim(claims: readonly Claim[]): Claim | undefined {
  return claims
    .filter((claim) => claim.provenSince !== undefined)
    .toSorted(
      (a, b) =>
        compare(a.provenSince ?? '', b.provenSince ?? '') ||
        compare(a.createdAt, b.createdAt) ||
        compare(a.key, b.key),
    )[0];
}

/** Two objects of one namespace ask for the same records, so only the first is looked at. */
export function olderSibling(own: Claim, others: readonly Claim[]): Claim | undefined {
  return others
    .filter((other) => other.namespace === own.namespace)
    .find((other) => (compare(other.createdAt, own.createdAt) || compare(other.key, own.key)) < 0);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
