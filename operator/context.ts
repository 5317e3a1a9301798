/** What every kind is given: client, caches, relays, and the means to tell. */
import type { Caches } from './caches.ts';
import type { Capabilities, KubeClient } from './kube/index.ts';
import type { RelayRegistry } from './projection/index.ts';
import type { EventRecorder, Log, Metrics } from './runtime/index.ts';

/** The operator's own settings; see options.ts for the environment variables. */
export interface OperatorOptions {
  /** Namespace that the operator runs in; its SmtpRelay serves namespaces that have none. */
  operatorNamespace: string;
  /** Undefined: all namespaces. */
  watchNamespaces: readonly string[] | undefined;
  relayImage: string;
  /** Secrets cannot be watched: each credentials Secret is looked at this often. */
  secretCheckMs: number;
  /** Resolver for domain checks, `address[:port]` each; undefined: the system's. */
  dnsServers: readonly string[] | undefined;
  /** Failed checks, and the time they must span, before a proven domain stops sending. */
  domainGrace: { checks: number; periodMs: number };
}

export interface OperatorContext {
  client: KubeClient;
  caches: Caches;
  capabilities: Capabilities;
  relays: RelayRegistry;
  events: EventRecorder;
  metrics: Metrics;
  log: Log;
  options: OperatorOptions;
}
