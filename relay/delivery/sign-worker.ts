/** The thread that signs: an RSA signature takes longer than everything else done for a small message. */
import { parentPort } from 'node:worker_threads';
import { describeCause } from '../errors.ts';
import { BodyHash, signatureFields, type SigningKey } from './dkim.ts';

interface Signing {
  /** Counts the empty line that ends the header. */
  readonly headerSize: number;
  readonly keys: readonly SigningKey[];
}

/** A message to sign: all of it at once, or part after part, each sent when the one before was taken. */
export type SignRequest = {
  readonly id: number;
} & (
  | (Signing & { readonly kind: 'whole'; readonly data: Uint8Array })
  | (Signing & { readonly kind: 'begin' })
  | { readonly kind: 'part'; readonly data: Uint8Array }
  | { readonly kind: 'end' }
  /** The rest cannot be read. */
  | { readonly kind: 'abandon' }
);

export type SignReply = { readonly id: number } & (
  | { readonly kind: 'more' }
  | {
      readonly kind: 'signed';
      readonly fields: string;
      /** Keys that could not sign, by domain and selector; never the key. */
      readonly problems: readonly string[];
    }
);

/** One message of which parts are still to come. */
class Digest {
  readonly keys: readonly SigningKey[];
  readonly #headerSize: number;
  readonly #header: Uint8Array[] = [];
  readonly #hash = new BodyHash();
  #size = 0;

  constructor({ headerSize, keys }: Signing) {
    this.#headerSize = headerSize;
    this.keys = keys;
  }

  add(data: Uint8Array): void {
    const headerPart = Math.max(0, Math.min(data.length, this.#headerSize - this.#size));
    if (headerPart > 0) this.#header.push(data.subarray(0, headerPart));
    if (headerPart < data.length) {
      this.#hash.update(Buffer.from(data.buffer, data.byteOffset + headerPart, data.length - headerPart));
    }
    this.#size += data.length;
  }

  /** Without the empty line. */
  get header(): string {
    return Buffer.concat(this.#header).toString('latin1', 0, this.#headerSize - 2);
  }

  get bodyHash(): string {
    return this.#hash.digest();
  }
}

const digests = new Map<number, Digest>();

function take(request: SignRequest): SignReply | undefined {
  const { id } = request;
  const digest = digests.get(id);
  switch (request.kind) {
    case 'whole': {
      const whole = new Digest(request);
      whole.add(request.data);
      return { id, kind: 'signed', ...sign(whole) };
    }
    case 'begin':
      digests.set(id, new Digest(request));
      return undefined;
    case 'part':
      digest?.add(request.data);
      return { id, kind: 'more' };
    case 'end':
      digests.delete(id);
      return digest && { id, kind: 'signed', ...sign(digest) };
    case 'abandon':
      digests.delete(id);
      return { id, kind: 'signed', fields: '', problems: [] };
  }
}

function sign({ keys, header, bodyHash }: Digest): { fields: string; problems: string[] } {
  const problems: string[] = [];
  let fields = '';
  for (const key of keys) {
    try {
      fields += signatureFields(header, bodyHash, [key], Date.now());
    } catch {
      problems.push(`key ${key.selector} of ${key.domain} cannot sign`);
    }
  }
  return { fields, problems };
}

parentPort?.on('message', (request: SignRequest) => {
  try {
    const reply = take(request);
    if (reply) parentPort?.postMessage(reply);
  } catch (error) {
    digests.delete(request.id);
    parentPort?.postMessage({ id: request.id, kind: 'signed', fields: '', problems: [describeCause(error)] });
  }
});
