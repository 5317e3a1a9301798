import {
  Decimal,
  Dynamic,
  elementType,
  isList,
  isObject,
  memberNames,
  memberType,
  object,
  Unknown,
  type CtyNumber,
  type Type,
  type Value,
  tellName,
} from '../core/index.ts';
import { MalformedError, MsgpackReader, type Token } from './msgpack.ts';
import { MsgpackWriter } from './msgpack-writer.ts';
import { readNumber, readUnknown, unexpected, writeNumber, writeUnknown } from './scalar-codec.ts';

/**
 * Values of a type as msgpack and back. Unknown values are extensions: type 0 without, type 12 with what is
 * known about them; any other extension type is an unknown value of a later release.
 */
export function encodeValue(value: Value, type: Type): Uint8Array {
  const writer = new MsgpackWriter();
  write(writer, value, type);
  return writer.bytes();
}

export function decodeValue(bytes: Uint8Array, type: Type): Value {
  const reader = new MsgpackReader(bytes);
  const value = read(reader, type, 0);
  if (!reader.isAtEnd) throw new MalformedError('msgpack: bytes after the value');
  return value;
}

const MAX_DEPTH = 200;

function write(writer: MsgpackWriter, value: Value, type: Type): void {
  if (value instanceof Unknown) writeUnknown(writer, value);
  else if (value === null) writer.nil();
  else if (type === 'dynamic') writeDynamic(writer, value);
  else if (typeof type === 'string') writeScalar(writer, value, type);
  else writeComposite(writer, value, type);
}

function writeComposite(writer: MsgpackWriter, value: Value, type: Exclude<Type, string>): void {
  if (type[0] === 'map' || type[0] === 'object') {
    if (!isObject(value)) throw mismatch(value, type);
    const names = memberNames(type, value);
    writer.mapHeader(names.length);
    for (const name of names) {
      writer.string(name);
      write(writer, value[name] ?? null, memberType(type, name) ?? 'dynamic');
    }
    return;
  }
  if (!isList(value)) throw mismatch(value, type);
  writer.arrayHeader(value.length);
  value.forEach((item, index) => {
    write(writer, item, elementType(type, index));
  });
}

function writeScalar(writer: MsgpackWriter, value: Value, type: 'string' | 'number' | 'bool'): void {
  if (type === 'string' && typeof value === 'string') writer.string(value);
  else if (type === 'bool' && typeof value === 'boolean') writer.bool(value);
  else if (type === 'number' && isNumber(value)) writeNumber(writer, value);
  else throw mismatch(value, type);
}

function writeDynamic(writer: MsgpackWriter, value: Value): void {
  if (!(value instanceof Dynamic)) throw mismatch(value, 'dynamic');
  writer.arrayHeader(2);
  writer.binary(Buffer.from(JSON.stringify(value.type)));
  write(writer, value.value, value.type);
}

function read(reader: MsgpackReader, type: Type, depth: number): Value {
  if (depth > MAX_DEPTH) throw new MalformedError('msgpack: value nested too deep');
  const token = reader.next();
  if (token.kind === 'nil') return null;
  if (token.kind === 'extension') return readUnknown(token.type, token.payload);
  if (type === 'dynamic') return readDynamic(reader, token, depth);
  if (typeof type === 'string') return readScalar(token, type);
  return readComposite(reader, token, type, depth);
}

function readComposite(
  reader: MsgpackReader,
  token: Token,
  type: Exclude<Type, string>,
  depth: number,
): Value {
  if (type[0] === 'map' || type[0] === 'object') {
    if (token.kind !== 'map') throw unexpected(token, type);
    const result = object();
    for (let index = 0; index < token.length; index += 1) {
      const name = readText(reader);
      const member = memberType(type, name);
      if (member === undefined)
        throw new MalformedError(`msgpack: attribute ${tellName(name)} is not in the schema`);
      result[name] = read(reader, member, depth + 1);
    }
    return result;
  }
  if (token.kind !== 'array') throw unexpected(token, type);
  return Array.from({ length: token.length }, (_, index) =>
    read(reader, elementType(type, index), depth + 1),
  );
}

function readScalar(token: Token, type: 'string' | 'number' | 'bool'): Value {
  if (type === 'string' && token.kind === 'string') return token.value;
  if (type === 'bool' && token.kind === 'bool') return token.value;
  if (type === 'number') return readNumber(token);
  throw unexpected(token, type);
}

function readDynamic(reader: MsgpackReader, token: Token, depth: number): Value {
  if (token.kind !== 'array' || token.length !== 2) throw unexpected(token, 'dynamic');
  const described = reader.next();
  if (described.kind !== 'binary' && described.kind !== 'string') throw unexpected(described, 'dynamic');
  const text = described.kind === 'string' ? described.value : Buffer.from(described.value).toString('utf8');
  const type = JSON.parse(text) as Type;
  return new Dynamic(type, read(reader, type, depth + 1));
}

function readText(reader: MsgpackReader): string {
  const token = reader.next();
  if (token.kind !== 'string') throw unexpected(token, 'string');
  return token.value;
}

function isNumber(value: Value): value is CtyNumber {
  return typeof value === 'number' || typeof value === 'bigint' || value instanceof Decimal;
}

/** Names kinds only: the value may be a secret. */
function mismatch(value: Value, type: Type): TypeError {
  const kind = isList(value) ? 'list' : typeof value;
  return new TypeError(`a ${kind} does not fit type ${JSON.stringify(type)}`);
}
