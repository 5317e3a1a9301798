/** MessagePack, as far as values of Terraform use it: writing of single tokens. */

const INITIAL_BYTES = 256;

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

  /** Whole number from 0 on: lengths, and keys. */
  integer(value: number): void {
    if (value < 0x80) this.#byte(value);
    else {
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
