/** How long a next hop may take. All are absolute: a trickle of bytes extends none of them. */
export interface Deadlines {
  /** For the TCP connection, and again for the greeting and for a TLS handshake. */
  readonly connectMs: number;
  /** From the connection to the end of EHLO, STARTTLS and AUTH. */
  readonly setupMs: number;
  /** For one transaction, besides what its size earns it. */
  readonly sendMs: number;
  readonly minBytesPerSecond: number;
  /** For RSET after a transaction that was refused. */
  readonly resetMs: number;
}

export const DEADLINES: Deadlines = {
  connectMs: 20_000,
  setupMs: 60_000,
  /** RFC 5321 section 4.5.3.2.6 lets a server take 10 minutes over the final dot. */
  sendMs: 600_000,
  minBytesPerSecond: 10_000,
  resetMs: 20_000,
};
