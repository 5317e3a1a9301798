import type { ApiClient } from '../api-client.ts';
import type { AgentConfig } from './config.ts';
import type { ClusterNetwork } from './network-namespace.ts';
import type { NetworkHelper } from './network-helper.ts';
import type { ReferredObjects } from './objects.ts';
import type { TokenSource } from './payload.ts';
import type { Services } from './services.ts';

/** The parts of the agent that a Pod needs. */
export interface AgentContext {
  client: ApiClient;
  /** As it is now: settings may change while the agent runs. */
  config: () => AgentConfig;
  network: ClusterNetwork;
  helper: NetworkHelper;
  services: Services;
  objects: ReferredObjects;
  tokens: TokenSource;
}
