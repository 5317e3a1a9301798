/** Messages between the node agent (in the host's network) and its helper (in the cluster's). */

export type Target = { host: string; port: number } | { socket: string };

export interface ServedPort {
  address: string;
  port: number;
  /** Ready backends; none means that connections are refused. */
  targets: Target[];
}

export interface HttpProbe {
  scheme: 'http' | 'https';
  path: string;
  headers: Record<string, string>;
}

export type ToHelper =
  | { type: 'services'; version: number; services: ServedPort[] }
  | { type: 'probe'; id: number; host: string; port: number; timeoutMs: number; http?: HttpProbe };

export type FromHelper =
  { type: 'probed'; id: number; failure?: string } | { type: 'served'; version: number };
