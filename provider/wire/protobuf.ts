import { ProtoWriter } from './proto-writer.ts';

/**
 * Protocol buffers (proto3) as tables of field numbers. A message is a plain object; a field that is absent on
 * the wire is absent in the object, and one that is undefined is not written.
 */
export interface Codec<T> {
  readonly wireType: 0 | 2;
  write(writer: ProtoWriter, value: T): void;
  read(reader: ProtoReader): T;
}

export interface Field<T> {
  readonly number: number;
  readonly codec: Codec<unknown>;
  readonly shape: 'one' | 'many' | 'map';
  /** Never there at run time: carries the type. */
  readonly type?: T;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;
export type Message<F extends Fields> = { [K in keyof F]?: NonNullable<F[K]['type']> | undefined };

export function one<T>(number: number, codec: Codec<T>): Field<T> {
  return { number, codec, shape: 'one' };
}

export function many<T>(number: number, codec: Codec<T>): Field<readonly T[]> {
  return { number, codec, shape: 'many' };
}

export function mapOf<T>(number: number, codec: Codec<T>): Field<Readonly<Record<string, T>>> {
  const entry = message({ key: one(1, string), value: one(2, codec) });
  return { number, codec: entry, shape: 'map' };
}

export const string: Codec<string> = {
  wireType: 2,
  write: (writer, value) => writer.text(value),
  read: (reader) => reader.delimited().toString('utf8'),
};

export const bytes: Codec<Uint8Array> = {
  wireType: 2,
  write: (writer, value) => writer.bytes(value),
  read: (reader) => reader.delimited(),
};

export const bool: Codec<boolean> = {
  wireType: 0,
  write: (writer, value) => writer.varint(value ? 1 : 0),
  read: (reader) => reader.varint() !== 0n,
};

/** int64 and enums; beyond 2^53 nothing in this protocol goes. */
export const integer: Codec<number> = {
  wireType: 0,
  write: (writer, value) => writer.varint(value < 0 ? BigInt.asUintN(64, BigInt(value)) : value),
  read: (reader) => Number(BigInt.asIntN(64, reader.varint())),
};

export function message<F extends Fields>(
  fields: F,
): Codec<Message<F>> & { encode(value: Message<F>): Uint8Array; decode(data: Uint8Array): Message<F> } {
  const members = Object.entries(fields);
  const names = new Map(members.map(([name, field]) => [field.number, name]));
  const writeFields = (writer: ProtoWriter, value: Message<F>): void => {
    for (const [name, field] of members) {
      const member: unknown = value[name];
      if (member !== undefined) writeField(writer, field, member);
    }
  };
  const encode = (value: Message<F>): Uint8Array => {
    const writer = new ProtoWriter();
    writeFields(writer, value);
    return writer.finish();
  };
  const decode = (data: Uint8Array): Message<F> => {
    const reader = new ProtoReader(data);
    const result: Record<string, unknown> = {};
    for (let tag = reader.tag(); tag !== undefined; tag = reader.tag()) {
      const name = names.get(tag.field);
      const field = name === undefined ? undefined : fields[name];
      if (name === undefined || field?.codec.wireType !== tag.wireType) reader.skip(tag.wireType);
      else result[name] = decodeField(field, reader, result[name]);
    }
    return result as Message<F>;
  };
  return {
    wireType: 2,
    encode,
    decode,
    write: (writer, value) => writer.delimited(() => writeFields(writer, value)),
    read: (reader) => decode(reader.delimited()),
  };
}

function writeField(writer: ProtoWriter, { number, codec, shape }: Field<unknown>, value: unknown): void {
  const tag = number * 8 + codec.wireType;
  if (shape === 'one') {
    writer.varint(tag);
    codec.write(writer, value);
    return;
  }
  const items =
    shape === 'many'
      ? (value as readonly unknown[])
      : Object.entries(value as object).map(([key, item]) => ({ key, value: item as unknown }));
  for (const item of items) {
    writer.varint(tag);
    codec.write(writer, item);
  }
}

function decodeField({ codec, shape }: Field<unknown>, reader: ProtoReader, before: unknown): unknown {
  const value = codec.read(reader);
  if (shape === 'one') return value;
  if (shape === 'many') return [...((before as readonly unknown[] | undefined) ?? []), value];
  const entry = value as { key?: string; value?: unknown };
  return { ...(before as object | undefined), [entry.key ?? '']: entry.value };
}

export class ProtoReader {
  readonly #data: Buffer;
  #position = 0;

  constructor(data: Uint8Array) {
    this.#data = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  }

  tag(): { field: number; wireType: number } | undefined {
    if (this.#position >= this.#data.length) return undefined;
    const tag = this.#small();
    return { field: Math.floor(tag / 8), wireType: tag % 8 };
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#data[this.#position];
      if (byte === undefined) break;
      this.#position += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new RangeError('protobuf: malformed integer');
  }

  delimited(): Buffer {
    return this.#take(this.#small());
  }

  skip(wireType: number): void {
    if (wireType === 0) this.varint();
    else if (wireType === 1) this.#take(8);
    else if (wireType === 2) this.delimited();
    else if (wireType === 5) this.#take(4);
    else throw new RangeError('protobuf: unknown wire type');
  }

  /** Tags and lengths are of a byte or two nearly always; whole numbers of 64 bits need bigints, which cost more. */
  #small(): number {
    const byte = this.#data[this.#position] ?? 0x80;
    if (byte < 0x80) {
      this.#position += 1;
      return byte;
    }
    const next = this.#data[this.#position + 1] ?? 0x80;
    if (next >= 0x80) return Number(this.varint());
    this.#position += 2;
    return (byte & 0x7f) | (next << 7);
  }

  #take(length: number): Buffer {
    const end = this.#position + length;
    if (end > this.#data.length) throw new RangeError('protobuf: message ends early');
    const part = this.#data.subarray(this.#position, end);
    this.#position = end;
    return part;
  }
}
