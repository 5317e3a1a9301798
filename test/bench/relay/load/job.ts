/** What the load process is asked for and what it answers. Times are of the machine's monotonic clock, in ms. */

export interface Login {
  readonly username: string;
  readonly password: string;
}

export interface SendJob {
  readonly kind: 'send';
  readonly port: number;
  /** Taken in turn, one for each connection. */
  readonly logins: readonly Login[];
  /** Open at once; each sends its next message when the last one is answered. */
  readonly connections: number;
  /** Messages on one connection before it is closed and another is opened. */
  readonly perConnection: number;
  readonly messages: number;
  /** Bytes of a message as submitted, header included. */
  readonly size: number;
  readonly from: string;
  readonly recipientDomain: string;
}

/** Connections that log in and then stay silent until the process is told to end. */
export interface IdleJob {
  readonly kind: 'idle';
  readonly port: number;
  readonly logins: readonly Login[];
  readonly connections: number;
}

export type Job = SendJob | IdleJob;

export interface SendResult {
  readonly kind: 'sent';
  readonly firstMailAt: number;
  readonly lastReplyAt: number;
  readonly p50: number;
  readonly p99: number;
  /** Milliseconds of CPU that the load process used itself. */
  readonly cpuMs: number;
}

export type JobResult =
  SendResult | { readonly kind: 'idle' } | { readonly kind: 'failed'; readonly cause: string };

export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
