/**
 * `relay.yaml`: what one relay process is told at start (`relay --config FILE`), in a pod or alone.
 * In a pod the operator writes it to the ConfigMap `<relay>-relay`; policy arrives as shards.
 */
import { z } from 'zod';
import { network } from '../define.ts';
import {
  accountConfigSchema,
  domainConfigSchema,
  relaySettingsSchema,
  workspaceConfigSchema,
} from './shard.ts';

/** Seconds are absolute: a client that sends a byte now and then gains nothing. */
export const sessionLimitsSchema = z.object({
  maxTotal: z.number().int().positive().default(20_000),
  /** Of one source (an IPv4 address, an IPv6 /64), logged in or not. */
  maxPerSource: z.number().int().positive().default(10_000),
  maxUnauthenticatedPerSource: z.number().int().positive().default(5_000),
  /** Connections of one source in a minute that do not log in. */
  maxUnauthenticatedPerMinute: z.number().int().positive().default(6_000),
  maxPerAccount: z.number().int().positive().default(2_000),
  handshakeSeconds: z.number().positive().default(30),
  /** Without any byte; RFC 5321 section 4.5.3.2 asks for 5 minutes. */
  idleSeconds: z.number().positive().default(300),
  /** From the connection until a login succeeds. */
  untilLoginSeconds: z.number().positive().default(60),
  betweenCommandsSeconds: z.number().positive().default(300),
  /** A message must bring `minBytesPerSpan` in each such span. */
  dataSpanSeconds: z.number().positive().default(60),
  minBytesPerSpan: z.number().int().positive().default(1_024),
  /** From DATA to the end of the message. */
  dataSeconds: z.number().positive().default(1_800),
  sessionSeconds: z.number().positive().default(86_400),
});
export type SessionLimits = z.infer<typeof sessionLimitsSchema>;

const tlsFiles = z.object({ certFile: z.string(), keyFile: z.string() });

export const relayProcessSchema = z.object({
  /** Ports on all addresses; 0 takes a free one (tests). */
  listen: z
    .object({
      address: z.string().default('0.0.0.0'),
      starttls: z.number().int().default(2587),
      tls: z.number().int().default(2465),
      bounces: z.number().int().optional(),
      /**
       * Load balancers (addresses or networks) that begin each connection with a PROXY header, version 1 or 2. From
       * these one is mandatory, from all others it is an unknown command.
       */
      proxyProtocol: z.object({ trustedAddresses: z.array(network()) }).optional(),
    })
    .prefault({}),
  /** Certificate of the SMTP listeners; re-read on change, sessions are kept. */
  tls: tlsFiles,
  /** How many sessions, and how long each may take for what. */
  sessions: sessionLimitsSchema.prefault({}),
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
