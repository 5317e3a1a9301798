/** Messages between the node agent (in the host's network) and its helper (in the cluster's). */

export interface Target {
  host: string;
  port: number;
}

export interface ServedPort {
  address: string;
  port: number;
  /** Ready backends; none means that connections are refused. 'agent': the agent takes the connections itself. */
  targets: Target[] | 'agent';
}

export interface HttpProbe {
  scheme: 'http' | 'https';
  path: string;
  headers: Record<string, string>;
}

export type ToHelper =
  | { type: 'services'; version: number; services: ServedPort[] }
  | { type: 'probe'; id: number; host: string; port: number; timeoutMs: number; http?: HttpProbe };

/** 'listening' comes with the listening socket, which belongs to the cluster's network wherever it is accepted from. */
export type FromHelper =
  | { type: 'probed'; id: number; failure?: string }
  | { type: 'served'; version: number }
  | { type: 'listening'; address: string; port: number };
