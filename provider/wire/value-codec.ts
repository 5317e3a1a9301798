import {
  Decimal,
  Dynamic,
  elementType,
  fromFloat64,
  isList,
  isObject,
  memberNames,
  memberType,
  numberText,
  object,
  parseNumber,
  Unknown,
  UNKNOWN,
  type CtyNumber,
  type Refinements,
  type Type,
  type Value,
} from '../core/index.ts';
import { MalformedError, MsgpackReader, MsgpackWriter, type Token } from './msgpack.ts';

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

const REFINED = 12;
const MAX_DEPTH = 200;
const INT64_MIN = -(2n ** 63n);
const UINT64_MAX = 2n ** 64n - 1n;

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

/** Fractions go as decimal text: as doubles they would not equal what the configuration says. */
function writeNumber(writer: MsgpackWriter, value: CtyNumber): void {
  if (typeof value === 'number' && !Number.isFinite(value)) writer.float64(value);
  else if (typeof value === 'number' && Number.isSafeInteger(value)) writer.integer(value);
  else if (typeof value === 'bigint' && value >= INT64_MIN && value <= UINT64_MAX) writer.integer(value);
  else writer.string(numberText(value));
}

function writeDynamic(writer: MsgpackWriter, value: Value): void {
  if (!(value instanceof Dynamic)) throw mismatch(value, 'dynamic');
  writer.arrayHeader(2);
  writer.binary(Buffer.from(JSON.stringify(value.type)));
  write(writer, value.value, value.type);
}

function writeUnknown(writer: MsgpackWriter, value: Unknown): void {
  const entries = Object.entries(value.refinements ?? {}).filter(
    ([, refinement]) => refinement !== undefined,
  );
  if (entries.length === 0) {
    writer.extension(0, Uint8Array.of(0));
    return;
  }
  const { notNull, prefix, lower, upper, minLength, maxLength } = value.refinements ?? {};
  const payload = new MsgpackWriter();
  payload.mapHeader(entries.length);
  if (notNull !== undefined) {
    payload.integer(1);
    payload.bool(!notNull);
  }
  if (prefix !== undefined) {
    payload.integer(2);
    payload.string(prefix);
  }
  for (const [key, bound] of [[3, lower] as const, [4, upper] as const]) {
    if (bound === undefined) continue;
    payload.integer(key);
    payload.arrayHeader(2);
    writeNumber(payload, bound.value);
    payload.bool(bound.inclusive);
  }
  for (const [key, length] of [[5, minLength] as const, [6, maxLength] as const]) {
    if (length === undefined) continue;
    payload.integer(key);
    payload.integer(length);
  }
  writer.extension(REFINED, payload.bytes());
}

function read(reader: MsgpackReader, type: Type, depth: number): Value {
  if (depth > MAX_DEPTH) throw new MalformedError('msgpack: value nested too deep');
  const token = reader.next();
  if (token.kind === 'nil') return null;
  if (token.kind === 'extension') return token.type === REFINED ? refined(token.payload) : UNKNOWN;
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
      if (member === undefined) throw new MalformedError(`msgpack: attribute ${name} is not in the schema`);
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

function readNumber(token: Token): CtyNumber {
  if (token.kind === 'float') return fromFloat64(token.value);
  if (token.kind === 'string') return parseNumber(token.value);
  if (token.kind !== 'integer') throw unexpected(token, 'number');
  return typeof token.value === 'number' || !Number.isSafeInteger(Number(token.value))
    ? token.value
    : Number(token.value);
}

function readDynamic(reader: MsgpackReader, token: Token, depth: number): Value {
  if (token.kind !== 'array' || token.length !== 2) throw unexpected(token, 'dynamic');
  const described = reader.next();
  if (described.kind !== 'binary' && described.kind !== 'string') throw unexpected(described, 'dynamic');
  const text = described.kind === 'string' ? described.value : Buffer.from(described.value).toString('utf8');
  const type = JSON.parse(text) as Type;
  return new Dynamic(type, read(reader, type, depth + 1));
}

/** Refinements of kinds that this release does not know are dropped, which is always allowed. */
function refined(payload: Uint8Array): Unknown {
  const reader = new MsgpackReader(payload);
  const header = reader.next();
  if (header.kind !== 'map') throw unexpected(header, 'dynamic');
  const found: { -readonly [K in keyof Refinements]: Refinements[K] } = {};
  for (let index = 0; index < header.length; index += 1) {
    const key = reader.next();
    readRefinement(reader, key.kind === 'integer' ? Number(key.value) : -1, found);
  }
  return Object.keys(found).length === 0 ? UNKNOWN : new Unknown(found);
}

type Found = { -readonly [K in keyof Refinements]: Refinements[K] };

function readRefinement(reader: MsgpackReader, key: number, found: Found): void {
  const token = reader.next();
  if (key === 1 && token.kind === 'bool') found.notNull = !token.value;
  else if (key === 2 && token.kind === 'string') found.prefix = token.value;
  else if ((key === 3 || key === 4) && token.kind === 'array') {
    const value = readNumber(reader.next());
    const inclusive = reader.next();
    found[key === 3 ? 'lower' : 'upper'] = {
      value,
      inclusive: inclusive.kind === 'bool' && inclusive.value,
    };
  } else if (key === 5 && token.kind === 'integer') found.minLength = Number(token.value);
  else if (key === 6 && token.kind === 'integer') found.maxLength = Number(token.value);
  else skip(reader, token);
}

function skip(reader: MsgpackReader, token: Token): void {
  if (token.kind !== 'array' && token.kind !== 'map') return;
  const count = token.kind === 'map' ? token.length * 2 : token.length;
  for (let index = 0; index < count; index += 1) skip(reader, reader.next());
}

function readText(reader: MsgpackReader): string {
  const token = reader.next();
  if (token.kind !== 'string') throw unexpected(token, 'string');
  return token.value;
}

function isNumber(value: Value): value is CtyNumber {
  return typeof value === 'number' || typeof value === 'bigint' || value instanceof Decimal;
}

function unexpected(token: Token, type: Type): MalformedError {
  return new MalformedError(`msgpack: ${token.kind} where ${JSON.stringify(type)} belongs`);
}

/** Names kinds only: the value may be a secret. */
function mismatch(value: Value, type: Type): TypeError {
  const kind = isList(value) ? 'list' : typeof value;
  return new TypeError(`a ${kind} does not fit type ${JSON.stringify(type)}`);
}
