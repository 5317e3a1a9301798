/**
 * The ledger of a claim: DKIM keys and what DNS has proven, in one Secret in the relay's namespace.
 *
 * It is kept there, not in status, because it decides who may send as a domain: people can be given rights to
 * status, nobody but the operator writes here. It survives the VerifiedDomain (keys are adopted on re-creation, proof
 * is not: that belongs to one object) and the relay too, unless the relay's deletionPolicy is Delete.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { API_VERSION, type OwnerReference, type SmtpRelay } from '../../api/index.ts';
import type { Secret } from '../../kube/index.ts';

const keyType = z.enum(['RSA2048', 'Ed25519']);

const keySchema = z.object({
  selector: z.string(),
  keyType,
  privateKeyPem: z.string(),
  /** The `p=` of its DNS record. */
  publicKey: z.string(),
  createdAt: z.string(),
});

/** A record that was seen: since when, and how often in a row it has been absent or wrong meanwhile. */
const streakSchema = z.object({
  since: z.string(),
  failures: z.number().int(),
  failingSince: z.string().optional(),
});

const proofSchema = z.object({
  /** UID of the VerifiedDomain that proved it. */
  uid: z.string(),
  ownership: streakSchema.optional(),
  /** By selector. */
  dkim: z.record(z.string(), streakSchema),
  /** When everything that Ready asks for was there for the first time. */
  readyAt: z.string().optional(),
});

export type DkimKeyType = z.infer<typeof keyType>;
export type DkimKeyEntry = z.infer<typeof keySchema>;
export type Streak = z.infer<typeof streakSchema>;
export type Proof = z.infer<typeof proofSchema>;

export interface Ledger {
  /** In the order in which they were made. */
  keys: readonly DkimKeyEntry[];
  proof: Proof | undefined;
  resourceVersion: string | undefined;
  /** Goes with its relay. */
  isOwned: boolean;
}

/** The Secret cannot be read: somebody changed it. Its message names it and never its content. */
export class LedgerDamaged extends Error {
  readonly kind = 'Permanent';
  override name = 'LedgerDamaged';
}

const KEYS = 'keys.json';
const PROOF = 'proof.json';

export function ledgerName(relay: string, namespace: string, domain: string): string {
  const claim = createHash('sha256').update(`${namespace}/${domain}`).digest('hex').slice(0, 12);
  return `${relay}-domain-${claim}`;
}

export function emptyProof(uid: string): Proof {
  return { uid, dkim: {} };
}

/** Throws when it cannot be read: keys are never replaced because of a Secret that somebody damaged. */
export function readLedger(secret: Secret): Ledger {
  const { name, namespace, resourceVersion, ownerReferences = [] } = secret.metadata;
  const problem = `Secret ${namespace}/${name} is no ledger of a domain`;
  const keys = z.array(keySchema).safeParse(decode(secret.data?.[KEYS], problem));
  const proof = proofSchema.safeParse(decode(secret.data?.[PROOF] ?? 'bnVsbA==', problem));
  if (!keys.success) throw new LedgerDamaged(`${problem}: restore it, or delete it to get new keys`);
  return {
    keys: keys.data,
    proof: proof.success ? proof.data : undefined,
    resourceVersion,
    isOwned: ownerReferences.some((owner) => owner.kind === 'SmtpRelay'),
  };
}

export function ledgerSecret(
  relay: SmtpRelay,
  claim: { namespace: string; domain: string },
  ledger: Omit<Ledger, 'isOwned'>,
  labels: Record<string, string>,
): Secret {
  const { name, namespace } = relay.metadata;
  return {
    metadata: {
      name: ledgerName(name, claim.namespace, claim.domain),
      namespace: namespace!,
      labels: { ...labels, 'app.kubernetes.io/component': 'domain-ledger' },
      annotations: { 'migosmtp.com/domain': claim.domain, 'migosmtp.com/workspace': claim.namespace },
      ownerReferences: relay.spec.deletionPolicy === 'Delete' ? [ownerOf(relay)] : [],
      ...(ledger.resourceVersion === undefined ? {} : { resourceVersion: ledger.resourceVersion }),
    },
    type: 'Opaque',
    data: { [KEYS]: encode(ledger.keys), [PROOF]: encode(ledger.proof ?? null) },
  };
}

function ownerOf(relay: SmtpRelay): OwnerReference {
  const { name, uid } = relay.metadata;
  return { apiVersion: API_VERSION, kind: 'SmtpRelay', name, uid: uid!, blockOwnerDeletion: false };
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64');
}

function decode(base64: string | undefined, problem: string): unknown {
  try {
    return JSON.parse(Buffer.from(base64 ?? '', 'base64').toString('utf8'));
  } catch {
    throw new LedgerDamaged(`${problem}: restore it, or delete it to get new keys`);
  }
}
