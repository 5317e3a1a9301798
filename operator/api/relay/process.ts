/**
 * `relay.yaml`: what one relay process is told at start (`relay --config FILE`), in a pod or alone.
 * In a pod the operator writes it to the ConfigMap `<relay>-relay`; policy arrives as shards.
 */
import { z } from 'zod';
import {
  accountConfigSchema,
  domainConfigSchema,
  relaySettingsSchema,
  workspaceConfigSchema,
} from './shard.ts';

const tlsFiles = z.object({ certFile: z.string(), keyFile: z.string() });

export const relayProcessSchema = z.object({
  /** Ports on all addresses; 0 takes a free one (tests). */
  listen: z
    .object({
      address: z.string().default('0.0.0.0'),
      starttls: z.number().int().default(2587),
      tls: z.number().int().default(2465),
      bounces: z.number().int().optional(),
    })
    .prefault({}),
  /** Certificate of the SMTP listeners; re-read on change, sessions are kept. */
  tls: tlsFiles,
  /** The admin API, mutual TLS: only clients with a certificate of `clientCaFile` are answered. */
  admin: tlsFiles
    .extend({
      clientCaFile: z.string(),
      address: z.string().default('0.0.0.0'),
      port: z.number().int().default(8443),
    })
    .optional(),
  /** `/livez`, `/readyz`, `/healthz` and `/metrics`, plain HTTP, nothing secret. */
  health: z
    .object({
      address: z.string().default('0.0.0.0'),
      port: z.number().int().default(9090),
      /** Mail that is due and not tried for so long, with next hops up, is a stuck queue. */
      queueStuckAfterSeconds: z.number().positive().default(600),
    })
    .prefault({}),
  /** DNS servers for direct delivery, `ip` or `ip:port`; empty: the machine's own. A smarthost is found as the system finds it. */
  dns: z.object({ servers: z.array(z.string()).default([]) }).prefault({}),
  storage: z.discriminatedUnion('kind', [
    /** Folder for SQLite database, bodies and shards. */
    z.object({ kind: z.literal('embedded'), directory: z.string() }),
    /** File with the PostgreSQL connection URI; directory keeps the shards. */
    z.object({ kind: z.literal('postgres'), uriFile: z.string(), directory: z.string() }),
  ]),
  /**
   * Where policy comes from. `shards`: a folder holding `<n>/config.json` for every shard Secret mounted, plus
   * what is pushed; AUTH answers 454 until all SHARD_COUNT are known. `inline`: this file alone.
   */
  policy: z.discriminatedUnion('from', [
    z.object({ from: z.literal('shards'), directory: z.string() }),
    z.object({
      from: z.literal('inline'),
      settings: relaySettingsSchema,
      accounts: z.array(accountConfigSchema).default([]),
      domains: z.array(domainConfigSchema).default([]),
      workspaces: z.array(workspaceConfigSchema).default([]),
    }),
  ]),
  /** Seconds that open sessions may take to finish on SIGTERM. */
  graceSeconds: z.number().int().default(25),
});

export type RelayProcessConfig = z.infer<typeof relayProcessSchema>;
export type RelayProcessInput = z.input<typeof relayProcessSchema>;
