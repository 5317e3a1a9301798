import {
  fromFloat64,
  numberText,
  parseNumber,
  Unknown,
  UNKNOWN,
  type CtyNumber,
  type Refinements,
  type Type,
} from '../core/index.ts';
import { MalformedError, MsgpackReader, type Token } from './msgpack.ts';
import { MsgpackWriter } from './msgpack-writer.ts';

/** Numbers, and values that are not known yet with what is known about them. */
const REFINED = 12;

/**
 * Numbers go as decimal text, whole ones too. A fraction as a double would not equal what the configuration says; and an
 * integer is held by Terraform at 64 bits, where the number that it read from its state has 512: equal to whoever
 * compares values, but `plan -refresh-only -detailed-exitcode` compares how they are held, and would tell of drift.
 */
export function writeNumber(writer: MsgpackWriter, value: CtyNumber): void {
  if (typeof value === 'number' && !Number.isFinite(value)) writer.float64(value);
  else writer.string(numberText(value));
}

export function readNumber(token: Token): CtyNumber {
  if (token.kind === 'float') return fromFloat64(token.value);
  if (token.kind === 'string') return parseNumber(token.value);
  if (token.kind !== 'integer') throw unexpected(token, 'number');
  return typeof token.value === 'number' || !Number.isSafeInteger(Number(token.value))
    ? token.value
    : Number(token.value);
}

export function writeUnknown(writer: MsgpackWriter, value: Unknown): void {
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

export function readUnknown(type: number, payload: Uint8Array): Unknown {
  return type === REFINED ? refined(payload) : UNKNOWN;
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

export function unexpected(token: Token, type: Type): MalformedError {
  return new MalformedError(`msgpack: ${token.kind} where ${JSON.stringify(type)} belongs`);
}
