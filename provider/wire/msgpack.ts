/** MessagePack, as far as values of Terraform use it: reading and writing of single tokens. */

export class MalformedError extends Error {}

const INITIAL_BYTES = 256;
const MAX_U32 = 2 ** 32;

export class MsgpackWriter {
  #buffer = Buffer.allocUnsafe(INITIAL_BYTES);
  #length = 0;

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  nil(): void {
    this.#byte(0xc0);
  }

  bool(value: boolean): void {
    this.#byte(value ? 0xc3 : 0xc2);
  }

  /** Whole number from -2^63 to 2^64-1. */
  integer(value: number | bigint): void {
    if (value >= 0 && value < 0x80) this.#byte(Number(value));
    else if (value < 0 && value >= -0x20) this.#byte(0x100 + Number(value));
    else if (value >= -0x8000_0000 && value < 0x8000_0000) {
      this.#byte(0xd2);
      this.#length = this.#room(4).writeInt32BE(Number(value), this.#length);
    } else if (value < 0) {
      this.#byte(0xd3);
      this.#length = this.#room(8).writeBigInt64BE(BigInt(value), this.#length);
    } else {
      this.#byte(0xcf);
      this.#length = this.#room(8).writeBigUInt64BE(BigInt(value), this.#length);
    }
  }

  float64(value: number): void {
    this.#byte(0xcb);
    this.#length = this.#room(8).writeDoubleBE(value, this.#length);
  }

  string(value: string): void {
    const length = Buffer.byteLength(value);
    if (length < 32) this.#byte(0xa0 | length);
    else this.#sized(length, 0xd9, 0xda, 0xdb);
    this.#length += this.#room(length).write(value, this.#length, 'utf8');
  }

  binary(value: Uint8Array): void {
    this.#sized(value.length, 0xc4, 0xc5, 0xc6);
    this.#room(value.length).set(value, this.#length);
    this.#length += value.length;
  }

  arrayHeader(length: number): void {
    if (length < 16) this.#byte(0x90 | length);
    else this.#sized(length, undefined, 0xdc, 0xdd);
  }

  mapHeader(length: number): void {
    if (length < 16) this.#byte(0x80 | length);
    else this.#sized(length, undefined, 0xde, 0xdf);
  }

  extension(type: number, payload: Uint8Array): void {
    if (payload.length === 1) this.#byte(0xd4);
    else this.#sized(payload.length, 0xc7, 0xc8, 0xc9);
    this.#byte(type);
    this.#room(payload.length).set(payload, this.#length);
    this.#length += payload.length;
  }

  #sized(length: number, tag8: number | undefined, tag16: number, tag32: number): void {
    if (tag8 !== undefined && length < 0x100) {
      this.#byte(tag8);
      this.#byte(length);
    } else if (length < 0x1_0000) {
      this.#byte(tag16);
      this.#length = this.#room(2).writeUInt16BE(length, this.#length);
    } else {
      this.#byte(tag32);
      this.#length = this.#room(4).writeUInt32BE(length, this.#length);
    }
  }

  #byte(value: number): void {
    this.#room(1)[this.#length] = value;
    this.#length += 1;
  }

  #room(size: number): Buffer {
    if (this.#length + size > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + size));
      this.#buffer.copy(grown, 0, 0, this.#length);
      this.#buffer = grown;
    }
    return this.#buffer;
  }
}

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
    const tag = this.#unsigned(1);
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
        return { kind: 'nil' };
      case 0xc2:
      case 0xc3:
        return { kind: 'bool', value: tag === 0xc3 };
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
    const size = { 0xca: 4, 0xcb: 8, 0xcc: 1, 0xcd: 2, 0xce: 4, 0xcf: 8, 0xd0: 1, 0xd1: 2, 0xd2: 4, 0xd3: 8 }[
      tag
    ];
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
    return this.#take(length).toString('utf8');
  }

  /** Each element takes a byte at least: a greater count is a lie that would cost memory. */
  #count(length: number): number {
    if (length > this.#buffer.length - this.#position)
      throw new MalformedError('msgpack: count beyond the end');
    return length;
  }

  #unsigned(size: number): number {
    const value = this.#take(size).readUIntBE(0, size);
    if (value >= MAX_U32) throw new MalformedError('msgpack: length beyond 32 bits');
    return value;
  }

  #take(size: number): Buffer {
    const end = this.#position + size;
    if (end > this.#buffer.length) throw new MalformedError('msgpack: value ends early');
    const bytes = this.#buffer.subarray(this.#position, end);
    this.#position = end;
    return bytes;
  }
}
