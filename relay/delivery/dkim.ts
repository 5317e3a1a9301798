/** DKIM signatures (RFC 6376, relaxed/relaxed; RFC 8463 for Ed25519). Pure but for the crypto it calls. */
import { createHash, createPrivateKey, type Hash, type KeyObject, sign } from 'node:crypto';
import { parseHeader } from '../message/header.ts';

export interface SigningKey {
  readonly domain: string;
  readonly selector: string;
  readonly keyType: 'RSA2048' | 'Ed25519';
  readonly privateKeyPem: string;
}

/** Signed where present. Content-* and the list fields guard against later changes of what people see. */
const SIGNED = [
  'from',
  'to',
  'cc',
  'reply-to',
  'subject',
  'date',
  'message-id',
  'in-reply-to',
  'references',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
  'list-unsubscribe',
  'list-unsubscribe-post',
];
/** Listed once more than they occur: an added second one breaks the signature (RFC 6376 section 8.15). */
const OVERSIGNED = ['from', 'to', 'cc', 'subject', 'date', 'message-id', 'reply-to', 'content-type'];

const keys = new Map<string, KeyObject>();

/** Signature fields for the message with this header (latin1) and this body hash; one for each key. */
export function signatureFields(
  header: string,
  bodyHash: string,
  signing: readonly SigningKey[],
  nowMs: number,
): string {
  const parsed = parseHeader(header);
  if (!parsed.ok) throw new Error(`header cannot be signed: ${parsed.problem}`);
  const byName = new Map<string, string[]>();
  for (const { name, raw } of parsed.fields) byName.set(name, [...(byName.get(name) ?? []), raw]);
  const names: string[] = [];
  let input = '';
  for (const name of SIGNED) {
    // From the bottom up (section 5.4.2).
    for (const raw of (byName.get(name) ?? []).toReversed()) {
      names.push(name);
      input += `${relaxHeader(raw)}\r\n`;
    }
    if (OVERSIGNED.includes(name)) names.push(name);
  }
  return signing.map((key) => signatureField({ key, names, input, bodyHash, nowMs })).join('');
}

interface Signing {
  readonly key: SigningKey;
  readonly names: readonly string[];
  readonly input: string;
  readonly bodyHash: string;
  readonly nowMs: number;
}

function signatureField({ key, names, input, bodyHash, nowMs }: Signing): string {
  const algorithm = key.keyType === 'Ed25519' ? 'ed25519-sha256' : 'rsa-sha256';
  const tags = [
    'v=1',
    `a=${algorithm}`,
    'c=relaxed/relaxed',
    `d=${key.domain}`,
    `s=${key.selector}`,
    `t=${Math.floor(nowMs / 1_000)}`,
    `h=${fold(names.join(':'), ':')}`,
    `bh=${bodyHash}`,
    'b=',
  ];
  const unsigned = `DKIM-Signature: ${tags.join(';\r\n\t')}`;
  const data = Buffer.from(input + relaxHeader(unsigned), 'latin1');
  const privateKey = loadKey(key.privateKeyPem);
  const signature =
    key.keyType === 'Ed25519'
      ? sign(null, createHash('sha256').update(data).digest(), privateKey)
      : sign('sha256', data, privateKey);
  return `${unsigned}${signature.toString('base64').replace(/.{72}/g, '$&\r\n\t ')}\r\n`;
}

function fold(list: string, separator: string): string {
  return list.replace(new RegExp(`(.{60,}?${separator})`, 'g'), '$1\r\n\t ');
}

function loadKey(pem: string): KeyObject {
  let key = keys.get(pem);
  if (!key) {
    key = createPrivateKey(pem);
    if (keys.size > 1_000) keys.clear();
    keys.set(pem, key);
  }
  return key;
}

/** Section 3.4.2: name in lower case, unfolded, white space collapsed, none around the colon or at the end. */
export function relaxHeader(raw: string): string {
  const colon = raw.indexOf(':');
  const name = raw.slice(0, colon).trim().toLowerCase();
  const value = raw
    .slice(colon + 1)
    .replace(/\r\n/g, '')
    .replace(/[ \t]+/g, ' ')
    .trim();
  return `${name}:${value}`;
}

const CRLF = Buffer.from('\r\n');

/** Body hash of section 3.4.4, fed in chunks of any size. */
export class BodyHash {
  readonly #hash: Hash = createHash('sha256');
  #rest: Buffer = Buffer.alloc(0);
  /** Empty lines seen and not yet known to be followed by something. */
  #emptyLines = 0;

  update(chunk: Uint8Array): void {
    const data =
      this.#rest.length > 0
        ? Buffer.concat([this.#rest, chunk])
        : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    for (let end = data.indexOf('\r\n', start); end !== -1; end = data.indexOf('\r\n', start)) {
      this.#line(data.subarray(start, end));
      start = end + 2;
    }
    this.#rest = data.subarray(start);
  }

  digest(): string {
    if (this.#rest.length > 0) this.#line(this.#rest);
    return this.#hash.digest('base64');
  }

  #line(line: Buffer): void {
    const relaxed = relaxLine(line);
    if (relaxed.length === 0) {
      this.#emptyLines++;
      return;
    }
    for (; this.#emptyLines > 0; this.#emptyLines--) this.#hash.update(CRLF);
    this.#hash.update(relaxed);
    this.#hash.update(CRLF);
  }
}

/** Runs of white space to one space, none at the end. */
function relaxLine(line: Buffer): Buffer {
  let end = line.length;
  while (end > 0 && isBlank(line[end - 1])) end--;
  const trimmed = line.subarray(0, end);
  if (!trimmed.includes('\t') && !trimmed.includes('  ')) return trimmed;
  return Buffer.from(trimmed.toString('latin1').replace(/[ \t]+/g, ' '), 'latin1');
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09;
}
