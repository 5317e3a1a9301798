/** What a login loop is asked and answers. */

/** A login, and the pods on which it is tried. */
export interface Target {
  username: string;
  password: string;
  servername: string;
  port: number;
  ca: string | undefined;
  addresses: string[];
  /** Which password this is; for the report. */
  revision: string;
}

export type Question =
  | { do: 'use'; target: Target }
  | { do: 'start'; everyMs: number }
  | { do: 'stop'; id: number }
  | { do: 'untilRefused'; id: number; target: Target; timeoutMs: number }
  | { do: 'once'; id: number; target: Target };

export interface Attempted {
  attempts: number;
  failures: { address: string; startedAt: number; revision: string; said: string }[];
}
