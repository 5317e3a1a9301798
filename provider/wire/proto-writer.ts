const INITIAL_BYTES = 512;

/** Protocol buffers, written in one pass into one buffer that grows: a schema has some twenty thousand fields. */
export class ProtoWriter {
  #buffer = Buffer.allocUnsafe(INITIAL_BYTES);
  #length = 0;

  finish(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  varint(value: number | bigint): void {
    this.#room(10);
    if (typeof value === 'number' && value <= MAX_UINT_31) {
      let rest = value;
      for (; rest >= 0x80; rest >>>= 7) this.#buffer[this.#length++] = (rest & 0x7f) | 0x80;
      this.#buffer[this.#length++] = rest;
      return;
    }
    let rest = BigInt(value);
    for (; rest >= 0x80n; rest >>= 7n) this.#buffer[this.#length++] = Number(rest & 0x7fn) | 0x80;
    this.#buffer[this.#length++] = Number(rest);
  }

  bytes(data: Uint8Array): void {
    this.varint(data.length);
    this.#room(data.length);
    this.#buffer.set(data, this.#length);
    this.#length += data.length;
  }

  text(value: string): void {
    const size = Buffer.byteLength(value);
    this.varint(size);
    this.#room(size);
    this.#length += this.#buffer.write(value, this.#length, 'utf8');
  }

  /** What `write` adds, with its length before it. One byte is kept for that; what is longer moves on. */
  delimited(write: () => void): void {
    this.#room(1);
    const start = this.#length;
    this.#length += 1;
    write();
    const size = this.#length - start - 1;
    if (size < 0x80) {
      this.#buffer[start] = size;
      return;
    }
    const more = Math.floor(Math.log2(size) / 7);
    this.#room(more);
    this.#buffer.copyWithin(start + 1 + more, start + 1, this.#length);
    this.#length = start;
    this.varint(size);
    this.#length += size;
  }

  #room(size: number): void {
    if (this.#length + size <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + size));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

/** Up to here shifts of numbers do what shifts of integers do. */
const MAX_UINT_31 = 2 ** 31 - 1;
