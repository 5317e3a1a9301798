import { error, warning, type Diagnostic } from './diagnostic.ts';
import { attributesOf, mayHold } from './expression.ts';
import { numberText, Decimal } from './number.ts';
import { at, pathText, type Path, type PathStep } from './path.ts';
import {
  isNested,
  type Attribute,
  type Attributes,
  type Check,
  type NestedType,
  type Rule,
  type Schema,
} from './schema.ts';
import { isList, isObject, isUnknown, type Value, type ValueObject } from './value.ts';

/**
 * Everything about a configuration that can be known without the cluster. Unknown values pass: they are
 * looked at again when they are known. Terraform itself has checked types and required attributes.
 */
export function validate(schema: Schema, config: ValueObject): Diagnostic[] {
  const found = attributesProblems(schema.attributes, config, []);
  for (const [name, block] of Object.entries(schema.blocks ?? {})) {
    found.push(...nestedProblems(block, config[name] ?? null, [{ name, isBlock: true }]));
  }
  for (const rule of schema.rules ?? []) found.push(...ruleProblems(rule, config));
  return found;
}

function attributesProblems(attributes: Attributes, object: ValueObject, path: Path): Diagnostic[] {
  return Object.entries(attributes).flatMap(([name, attribute]) =>
    attributeProblems(attribute, object[name] ?? null, [...path, { name }]),
  );
}

function attributeProblems(attribute: Attribute, value: Value, path: Path): Diagnostic[] {
  if (value === null) return [];
  const found: Diagnostic[] = [];
  if (attribute.deprecated !== undefined) {
    found.push(warning(`${pathText(path)} is deprecated`, attribute.deprecated, path));
  }
  if (isUnknown(value)) return found;
  if (attribute.check) found.push(...checkProblems(attribute.check, value, path, isSet(attribute)));
  if (isNested(attribute.type)) found.push(...nestedProblems(attribute.type, value, path));
  return found;
}

function nestedProblems(type: NestedType, value: Value, path: Path): Diagnostic[] {
  if (isList(value)) {
    const step = (index: number): PathStep => (type.nesting === 'set' ? { element: '*' } : { index });
    return value.flatMap((item, index) => elementProblems(type, item, [...path, step(index)]));
  }
  if (!isObject(value)) return [];
  if (type.nesting === 'single') return attributesProblems(type.attributes, value, path);
  return Object.entries(value).flatMap(([key, item]) => elementProblems(type, item, [...path, { key }]));
}

function elementProblems(type: NestedType, item: Value, path: Path): Diagnostic[] {
  return isObject(item) ? attributesProblems(type.attributes, item, path) : [];
}

function ruleProblems(rule: Rule, config: ValueObject): Diagnostic[] {
  let self: Value = config;
  for (const name of rule.within) self = isObject(self) ? (self[name] ?? null) : null;
  if (!isObject(self) || mayHold(rule.expression, self)) return [];
  return [error('Invalid combination of attributes', sentence(rule.message), rulePath(rule, self))];
}

/** The object, or of the whole the first attribute that is stated: a place where the combination can be mended. */
function rulePath({ within, expression }: Rule, self: ValueObject): Path | undefined {
  if (within.length > 0) return at(...within);
  const stated = attributesOf(expression).find((name) => (self[name] ?? null) !== null);
  return stated === undefined ? undefined : at(stated);
}

function checkProblems(check: Check, value: Value, path: Path, isUnordered = false): Diagnostic[] {
  const wrong = scalarProblem(check, value) ?? sizeProblem(check, value);
  const found = wrong === undefined ? [] : [invalid(path, value, wrong)];
  if (check.each && isList(value)) {
    value.forEach((item, index) => {
      const step = isUnordered ? { element: JSON.stringify(item) } : { index };
      found.push(...known(check.each, item, [...path, step]));
    });
  } else if (isObject(value)) {
    for (const [key, item] of Object.entries(value)) {
      const place = [...path, { key }];
      found.push(...known(check.keys, key, place), ...known(check.each, item, place));
    }
  }
  return found;
}

/** Its elements have no place in what was written: each is named by itself. */
function isSet({ type, sensitive }: Attribute): boolean {
  return Array.isArray(type) && type[0] === 'set' && sensitive !== true;
}

function known(check: Check | undefined, value: Value, path: Path): Diagnostic[] {
  return check === undefined || isUnknown(value) || value === null ? [] : checkProblems(check, value, path);
}

function scalarProblem(check: Check, value: Value): string | undefined {
  if (typeof value === 'string') return textProblem(check, value);
  if (typeof value !== 'number' && typeof value !== 'bigint' && !(value instanceof Decimal)) return undefined;
  const amount = Number(numberText(value));
  if (check.wholeNumber && !Number.isInteger(amount)) return 'must be a whole number';
  const isLow = check.min !== undefined && amount < check.min;
  const isHigh = check.max !== undefined && amount > check.max;
  return isLow || isHigh ? `must be ${range(check.min, check.max)}` : undefined;
}

function textProblem(check: Check, value: string): string | undefined {
  if (check.jsonObject && !isJsonObject(value))
    return 'must be an object as JSON: jsonencode({ ... }) makes it';
  if (check.oneOf && !check.oneOf.includes(value)) return `must be one of ${quotedList(check.oneOf)}`;
  const length = Array.from(value).length;
  if (length < (check.minLength ?? 0) || length > (check.maxLength ?? Infinity)) {
    return `must be ${range(check.minLength, check.maxLength)} characters long`;
  }
  if (check.pattern !== undefined && !compiled(check.pattern).test(value)) {
    return check.rule ?? `must match ${check.pattern}`;
  }
  return undefined;
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

const patterns = new Map<string, RegExp>();

/** Compiled once: the same checks meet every object of a kind. */
function compiled(pattern: string): RegExp {
  const found = patterns.get(pattern) ?? new RegExp(pattern, 'u');
  patterns.set(pattern, found);
  return found;
}

function sizeProblem(check: Check, value: Value): string | undefined {
  const size = isList(value) ? value.length : isObject(value) ? Object.keys(value).length : undefined;
  if (size === undefined) return undefined;
  const isWrong = size < (check.minItems ?? 0) || size > (check.maxItems ?? Infinity);
  return isWrong ? `must have ${range(check.minItems, check.maxItems)} entries` : undefined;
}

/** The value itself is shown only where it is short and plainly no secret: a word out of a list, a number. */
function invalid(path: Path, value: Value, rule: string): Diagnostic {
  const shown =
    rule.startsWith('must be one of') || typeof value === 'number' ? `, not ${JSON.stringify(value)}` : '';
  return error('Invalid value', `${pathText(path)} ${rule}${shown}.`, path);
}

function range(min: number | undefined, max: number | undefined): string {
  if (min !== undefined && max !== undefined) return `from ${min} to ${max}`;
  return min !== undefined ? `at least ${min}` : `at most ${max}`;
}

function quotedList(words: readonly string[]): string {
  return words.map((word) => JSON.stringify(word)).join(', ');
}

function sentence(text: string): string {
  return text.endsWith('.') ? text : `${text}.`;
}
