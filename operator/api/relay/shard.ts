/**
 * The shard documents: what a relay must know of the cluster, as the operator projects it.
 *
 * A relay's configuration is cut into SHARD_COUNT documents. Each stands in one Secret
 * (`<relay>-config-<n>`, key `config.json`), is pushed to every pod over the admin API, and is kept in
 * the pod's store. Unknown keys are ignored, so that a document of the next release stays usable.
 */
import { z } from 'zod';

/** Number of shard Secrets of a relay. Fixed: an account's shard never changes. */
export const SHARD_COUNT = 32;
/** Format that this release writes. A reader refuses a higher one. */
export const SHARD_FORMAT = 1;
/** The key of a shard Secret that holds the document as JSON. */
export const SHARD_SECRET_KEY = 'config.json';

/**
 * What a relay needs to check one password; never the password.
 * sha256: `hash` = base64 SHA-256(salt bytes ‖ password UTF-8), for generated passwords (190 bits of entropy).
 * scrypt: `hash` = base64 scrypt(password, salt, 32 bytes) with the given cost, for brought passwords.
 */
export const verifierSchema = z.object({
  /** Names the password's revision, unique within the account, e.g. `r3-5f0c`; sessions remember it. */
  id: z.string().min(1),
  algorithm: z.enum(['sha256', 'scrypt']),
  salt: z.string(),
  hash: z.string(),
  cost: z.object({ N: z.number(), r: z.number(), p: z.number() }).optional(),
  /** When the operator means to retire it, RFC 3339. Informative: the relay's clock revokes nothing. */
  validUntil: z.string().optional(),
});

export const windowOverflowSchema = z.enum(['Queue', 'Reject']);

export const accountConfigSchema = z.object({
  /** UID of the SmtpAccount object: a re-created account is another one. */
  id: z.string().min(1),
  namespace: z.string().min(1),
  name: z.string().min(1),
  username: z.string().min(1),
  /** Newest first; every one listed logs in. A session whose verifier vanishes is closed. */
  verifiers: z.array(verifierSchema),
  /** Literal addresses or `*@domain`; empty: every verified domain that the workspace may use. */
  allowedSenders: z.array(z.string()),
  limits: z.object({
    perMinute: z.number().int().optional(),
    perHour: z.number().int().optional(),
    perDay: z.number().int().optional(),
    perMonth: z.number().int().optional(),
    onWindowLimit: windowOverflowSchema,
  }),
  /** AUTH answers 535 5.7.8, sessions are closed, queued mail is held. */
  suspended: z.boolean(),
});

export const dkimKeySchema = z.object({
  selector: z.string(),
  keyType: z.enum(['RSA2048', 'Ed25519']),
  privateKeyPem: z.string(),
});

/** A domain that is proven by DNS and may be sent from. Unproven domains are not listed. */
export const domainConfigSchema = z.object({
  id: z.string().min(1),
  /** Lower case, A-labels, no trailing dot. */
  domain: z.string().min(1),
  namespace: z.string(),
  name: z.string(),
  /** Workspaces whose accounts may send from it, the owner's included. */
  workspaces: z.array(z.string()),
  /** All sign; empty: unsigned. */
  dkim: z.array(dkimKeySchema),
  /** Host part of envelope senders, once its MX leads bounces to the relay; absent: senders keep their own. */
  returnPath: z.string().optional(),
});

/** Limits of a whole workspace in emails (accepted recipients); absent: unlimited. */
export const workspaceConfigSchema = z.object({
  namespace: z.string(),
  /** Name shown in replies: the plan's (`10k`) or the PlanLimit's. */
  plan: z.string().optional(),
  perMonth: z.number().int().optional(),
  perDay: z.number().int().optional(),
  perHour: z.number().int().optional(),
  /** Most emails held for a window; default: a day's limit. */
  maxHeld: z.number().int().optional(),
  timeZone: z.string(),
  onWindowLimit: windowOverflowSchema,
  onMonthLimit: windowOverflowSchema,
});

export const smarthostSchema = z.object({
  mode: z.literal('smarthost'),
  host: z.string(),
  port: z.number().int(),
  /** Required: STARTTLS or implicit TLS with a verified certificate; Opportunistic: STARTTLS if offered; Implicit: TLS from the first byte; None. */
  tls: z.enum(['Required', 'Opportunistic', 'Implicit', 'None']),
  username: z.string().optional(),
  password: z.string().optional(),
  /** PEM bundle trusted for the smarthost besides the built-in roots. */
  caPem: z.string().optional(),
});

export const directSchema = z.object({
  mode: z.literal('direct'),
  allowPrivateAddresses: z.boolean().optional(),
});

export const webhookEventSchema = z.enum(['Delivered', 'Deferred', 'Bounced', 'Suppressed', 'LimitReached']);

/** Who is told of what becomes of mail: POST with a signature after the Standard Webhooks specification. */
export const webhookSchema = z.object({
  /** Unique within the relay. */
  name: z.string().min(1),
  /** https, or http to a name within the cluster. */
  url: z.string(),
  /** `whsec_` and base64, or any text. */
  secret: z.string().min(1),
  events: z.array(webhookEventSchema),
  /** PEM bundle trusted for the receiver besides the built-in roots. */
  caPem: z.string().optional(),
});

/** What holds for the relay as a whole; stands in shard 0 only. */
export const relaySettingsSchema = z.object({
  /** Name in greeting, Received and EHLO. */
  hostname: z.string().min(1),
  delivery: z.discriminatedUnion('mode', [smarthostSchema, directSchema]),
  /** `key`: base64, signs return paths; a relay that runs alone may leave it out and draws one. */
  bounces: z.object({ enabled: z.boolean(), key: z.string().optional() }),
  messageLimits: z.object({ maxSize: z.number().int(), maxRecipients: z.number().int() }),
  retention: z.object({ reportsSeconds: z.number().int() }),
  webhooks: z.array(webhookSchema).optional(),
});

export const shardSchema = z.object({
  format: z.number().int().max(SHARD_FORMAT),
  relay: z.object({ namespace: z.string(), name: z.string(), uid: z.string() }),
  shard: z
    .number()
    .int()
    .min(0)
    .max(SHARD_COUNT - 1),
  /** Monotonic for each shard: a relay takes only a higher one. */
  revision: z.number().int().min(1),
  settings: relaySettingsSchema.optional(),
  accounts: z.array(accountConfigSchema),
  domains: z.array(domainConfigSchema),
  workspaces: z.array(workspaceConfigSchema),
});

export type Verifier = z.infer<typeof verifierSchema>;
export type AccountConfig = z.infer<typeof accountConfigSchema>;
export type DkimKey = z.infer<typeof dkimKeySchema>;
export type DomainConfig = z.infer<typeof domainConfigSchema>;
export type WorkspaceConfig = z.infer<typeof workspaceConfigSchema>;
export type WebhookEvent = z.infer<typeof webhookEventSchema>;
export type Webhook = z.infer<typeof webhookSchema>;
export type RelaySettings = z.infer<typeof relaySettingsSchema>;
export type Shard = z.infer<typeof shardSchema>;

/**
 * The shard in which an entry lives, by FNV-1a of its key.
 * Keys: `account/<namespace>/<name>`, `domain/<namespace>/<name>`, `workspace/<namespace>`.
 */
export function shardOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) {
    hash ^= key.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  return (hash >>> 0) % SHARD_COUNT;
}
