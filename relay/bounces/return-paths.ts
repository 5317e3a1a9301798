/** The envelope sender under which a recipient's mail goes out, and what an address that comes back stands for. */
import type { Directory } from '../policy/index.ts';
import type { ClaimedRecipient, MessageMeta } from '../spool/index.ts';
import { readReturnPath, type ReturnPath, signReturnPath } from './token.ts';

/** Delivery takes up to five days here and about as long at the next hop. */
const VALID_MS = 14 * 24 * 3_600_000;

export class ReturnPaths {
  readonly #directory: Directory;
  readonly #ownKey: Buffer | undefined;

  /** `ownKey` serves where the settings bring none: a relay that runs alone. */
  constructor(directory: Directory, ownKey?: Buffer) {
    this.#directory = directory;
    this.#ownKey = ownKey;
  }

  /** Undefined: the sender's own, because bounces are not taken or DNS does not lead them here. */
  addressFor(message: MessageMeta, recipient: ClaimedRecipient): string | undefined {
    const key = this.#key;
    if (!key || message.kind !== 'submission' || message.envelopeFrom === '') return undefined;
    const domain = this.#directory.domain(message.signingDomain)?.returnPath;
    if (!domain) return undefined;
    const expiresAt = message.acceptedAt + VALID_MS;
    return signReturnPath(key, domain, { queueId: message.queueId, recipientId: recipient.id, expiresAt });
  }

  read(address: string, nowMs: number): ReturnPath | undefined {
    const key = this.#key;
    return key && readReturnPath(key, address, nowMs);
  }

  get #key(): Buffer | undefined {
    const bounces = this.#directory.settings?.bounces;
    if (!bounces?.enabled) return undefined;
    return bounces.key ? Buffer.from(bounces.key, 'base64') : this.#ownKey;
  }
}
