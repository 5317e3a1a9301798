/**
 * TLS sessions that stand for a certificate which was verified a moment ago.
 *
 * A good part of a proven login is the handshake's certificate: sent, its chain verified, its signature made. In a
 * wave of accounts the same pods are asked again and again; within a short time of one full verification the handshakes
 * after it resume its session. The password itself is proven each time.
 */

/** So long after the full handshake; a certificate that has ended or was replaced is seen after that. */
const LONGEST_MS = 2_000;

interface Verified {
  session: Buffer;
  /** End of the full handshake, in milliseconds of performance.now. */
  verifiedAt: number;
}

export class TlsSessions {
  readonly #known = new Map<string, Verified>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** The session to resume with this peer; undefined: verify it in full. */
  find(peer: string): Buffer | undefined {
    const known = this.#known.get(peer);
    if (known === undefined) return undefined;
    if (this.#now() - known.verifiedAt < LONGEST_MS) return known.session;
    this.#known.delete(peer);
    return undefined;
  }

  /** A session that the peer offers. One that was resumed is as old as the verification that it goes back to. */
  keep(peer: string, session: Buffer, isResumed: boolean): void {
    const known = this.#known.get(peer);
    if (isResumed) {
      if (known !== undefined) known.session = session;
      return;
    }
    this.#forgetOld();
    // Out and in again: the map stays in the order of verification.
    this.#known.delete(peer);
    this.#known.set(peer, { session, verifiedAt: this.#now() });
  }

  #forgetOld(): void {
    for (const [peer, { verifiedAt }] of this.#known) {
      // Those that follow are younger.
      if (this.#now() - verifiedAt < LONGEST_MS) return;
      this.#known.delete(peer);
    }
  }
}
