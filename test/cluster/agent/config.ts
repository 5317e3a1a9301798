import { readFileSync } from 'node:fs';
import type { ImageMap } from '../images.ts';

/** What the node agent is told, in `agent.json`. The settings may be changed while it runs. */
export interface AgentConfig {
  cluster: string;
  /** The cluster's folder. */
  folder: string;
  server: string;
  /** PEM files of the agent's own client certificate. */
  credentials: { authority: string; certificate: string; key: string };
  /** PEM files with which the agent answers the API server that wants a Pod's logs. */
  serving: { certificate: string; key: string };
  /** `ip` of iproute2, and where its libraries are when it runs from the cache. */
  ip: { path: string; libraryPath: string };
  settings: AgentSettings;
}

export interface AgentSettings {
  images: ImageMap;
  /** Name server written to every Pod's resolv.conf. */
  resolver: string;
  /** Time until a mounted Secret or ConfigMap follows a change (a real kubelet: up to a minute or two). */
  mountDelayMs: number;
  /** Wait before the second restart of a container; doubles up to ten times this much (a real kubelet: 10 s). */
  restartBackoffMs: number;
}

export function readConfig(path: string): AgentConfig {
  return JSON.parse(readFileSync(path, 'utf8')) as AgentConfig;
}
