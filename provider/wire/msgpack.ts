/** MessagePack, as far as values of Terraform use it: reading of single tokens. */

export class MalformedError extends Error {}

const MAX_U32 = 2 ** 32;
const ENDS_EARLY = 'msgpack: value ends early';

/** One token: containers announce how many follow. */
export type Token =
  | { readonly kind: 'nil' }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'integer'; readonly value: bigint | number }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'binary'; readonly value: Uint8Array }
  | { readonly kind: 'array' | 'map'; readonly length: number }
  | { readonly kind: 'extension'; readonly type: number; readonly payload: Uint8Array };

const NIL: Token = { kind: 'nil' };
const TRUE: Token = { kind: 'bool', value: true };
const FALSE: Token = { kind: 'bool', value: false };
/** Bytes of a number by its tag. */
const NUMBER_BYTES: ReadonlyMap<number, number> = new Map([
  [0xca, 4],
  [0xcb, 8],
  [0xcc, 1],
  [0xcd, 2],
  [0xce, 4],
  [0xcf, 8],
  [0xd0, 1],
  [0xd1, 2],
  [0xd2, 4],
  [0xd3, 8],
]);

export class MsgpackReader {
  readonly #buffer: Buffer;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.#position === this.#buffer.length;
  }

  next(): Token {
    const tag = this.#buffer[this.#position];
    if (tag === undefined) throw new MalformedError(ENDS_EARLY);
    this.#position += 1;
    if (tag < 0x80) return { kind: 'integer', value: tag };
    if (tag < 0x90) return { kind: 'map', length: tag & 0x0f };
    if (tag < 0xa0) return { kind: 'array', length: tag & 0x0f };
    if (tag < 0xc0) return { kind: 'string', value: this.#text(tag & 0x1f) };
    if (tag >= 0xe0) return { kind: 'integer', value: tag - 0x100 };
    return this.#tagged(tag);
  }

  #tagged(tag: number): Token {
    switch (tag) {
      case 0xc0:
        return NIL;
      case 0xc2:
      case 0xc3:
        return tag === 0xc3 ? TRUE : FALSE;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return { kind: 'binary', value: this.#take(this.#unsigned(2 ** (tag - 0xc4))) };
      case 0xc7:
      case 0xc8:
      case 0xc9:
        return this.#extension(this.#unsigned(2 ** (tag - 0xc7)));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return { kind: 'string', value: this.#text(this.#unsigned(2 ** (tag - 0xd9))) };
      case 0xdc:
      case 0xdd:
        return { kind: 'array', length: this.#count(this.#unsigned(2 ** (tag - 0xdb))) };
      case 0xde:
      case 0xdf:
        return { kind: 'map', length: this.#count(this.#unsigned(2 ** (tag - 0xdd))) };
      default:
        return this.#numberOrExtension(tag);
    }
  }

  #numberOrExtension(tag: number): Token {
    if (tag >= 0xd4 && tag <= 0xd8) return this.#extension(2 ** (tag - 0xd4));
    const size = NUMBER_BYTES.get(tag);
    if (size === undefined) throw new MalformedError(`msgpack: unused tag ${tag}`);
    const bytes = this.#take(size);
    if (tag === 0xca) return { kind: 'float', value: bytes.readFloatBE() };
    if (tag === 0xcb) return { kind: 'float', value: bytes.readDoubleBE() };
    if (tag === 0xcf) return { kind: 'integer', value: bytes.readBigUInt64BE() };
    if (tag === 0xd3) return { kind: 'integer', value: bytes.readBigInt64BE() };
    const isSigned = tag >= 0xd0;
    return { kind: 'integer', value: isSigned ? bytes.readIntBE(0, size) : bytes.readUIntBE(0, size) };
  }

  #extension(length: number): Token {
    const type = this.#take(1).readInt8();
    return { kind: 'extension', type, payload: this.#take(length) };
  }

  #text(length: number): string {
    const start = this.#skip(length);
    return this.#buffer.toString('utf8', start, this.#position);
  }

  /** Each element takes a byte at least: a greater count is a lie that would cost memory. */
  #count(length: number): number {
    if (length > this.#buffer.length - this.#position)
      throw new MalformedError('msgpack: count beyond the end');
    return length;
  }

  #unsigned(size: number): number {
    const start = this.#skip(size);
    const value = this.#buffer.readUIntBE(start, size);
    if (value >= MAX_U32) throw new MalformedError('msgpack: length beyond 32 bits');
    return value;
  }

  #take(size: number): Buffer {
    const start = this.#skip(size);
    return this.#buffer.subarray(start, this.#position);
  }

  /** Goes past so many bytes, and tells where they begin. */
  #skip(size: number): number {
    const start = this.#position;
    if (start + size > this.#buffer.length) throw new MalformedError(ENDS_EARLY);
    this.#position = start + size;
    return start;
  }
}
