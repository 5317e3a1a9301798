import {
  Dynamic,
  elementType,
  memberNames,
  memberType,
  object,
  parseNumber,
  type JsonObject,
  type Type,
  type Value,
} from '../core/index.ts';
import { MalformedError } from './msgpack.ts';

/** Marks numbers while JSON text is parsed, so that no digit is lost to a double. */
class NumberText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/**
 * JSON of a state file as plain objects. Numbers that a double cannot hold stay text until a type asks for them.
 */
export function parseJson(bytes: Uint8Array): unknown {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  try {
    // Only numbers with a fraction, an exponent or 16 digits can lose something.
    if (!LONG_NUMBER.test(text)) return JSON.parse(text) as unknown;
    return JSON.parse(quoteNumbers(text), (_key, value: unknown) => unquoteNumber(value)) as unknown;
  } catch {
    // The parser's own words quote the text, which may hold secrets.
    throw new MalformedError('not valid JSON');
  }
}

export function parseJsonObject(bytes: Uint8Array): JsonObject {
  const value = parseJson(bytes);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new MalformedError('not a JSON object');
  return value as JsonObject;
}

/** The value of a type that JSON stands for. What the type lacks is dropped, what JSON lacks is null. */
export function fromJson(json: unknown, type: Type): Value {
  if (json === null || json === undefined) return null;
  if (typeof type === 'string') return scalarFromJson(json, type);
  if (type[0] === 'map' || type[0] === 'object') {
    if (typeof json !== 'object' || Array.isArray(json)) throw wrong(json, type);
    const members = json as JsonObject;
    return object(
      memberNames(type, members).map((name) => {
        const json = Object.hasOwn(members, name) ? members[name] : null;
        return [name, fromJson(json, memberType(type, name) ?? 'dynamic')];
      }),
    );
  }
  if (!Array.isArray(json)) throw wrong(json, type);
  return json.map((item, index) => fromJson(item, elementType(type, index)));
}

function scalarFromJson(json: unknown, type: 'string' | 'number' | 'bool' | 'dynamic'): Value {
  if (type === 'dynamic') {
    const { type: inner, value } = json as { type?: Type; value?: unknown };
    if (inner === undefined) throw wrong(json, type);
    return new Dynamic(inner, fromJson(value, inner));
  }
  if (type === 'number') {
    if (json instanceof NumberText) return parseNumber(json.text);
    if (typeof json === 'number') return json;
    if (typeof json === 'string') return parseNumber(json);
  }
  if (type === 'bool' && typeof json === 'boolean') return json;
  if (type === 'bool' && (json === 'true' || json === 'false')) return json === 'true';
  if (type === 'string' && typeof json === 'string') return json;
  if (type === 'string' && (typeof json === 'number' || typeof json === 'boolean')) return String(json);
  if (type === 'string' && json instanceof NumberText) return json.text;
  throw wrong(json, type);
}

/** A number behind what may stand before one; within a string it costs time and changes nothing. */
const LONG_NUMBER = /(?:^|[:[,])\s*-?(?:\d+[.eE]|\d{16})/;
const MARK = '\u0000number:';
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

function quoteNumbers(text: string): string {
  return text.replace(TOKENS, (token) => (token.startsWith('"') ? token : `"\\u0000number:${token}"`));
}

function unquoteNumber(value: unknown): unknown {
  if (typeof value !== 'string' || !value.startsWith(MARK)) return value;
  const text = value.slice(MARK.length);
  const double = Number(text);
  return Number.isSafeInteger(double) && String(double) === text ? double : new NumberText(text);
}

function wrong(json: unknown, type: Type): MalformedError {
  return new MalformedError(
    `JSON ${Array.isArray(json) ? 'array' : typeof json} where ${JSON.stringify(type)} belongs`,
  );
}
