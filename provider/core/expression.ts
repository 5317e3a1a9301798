import { attribute, isList, isObject, isUnknown, UNKNOWN, type Value, type ValueObject } from './value.ts';

/**
 * Conditions as data, in the shape of a syntax tree: what a rule of a resource definition says, evaluated over
 * configuration that may still hold unknown values. An absent attribute reads as null.
 */
export type Expression =
  | string
  | number
  | boolean
  | null
  | readonly ['list', ...Expression[]]
  | readonly ['get', Expression, string]
  | readonly ['variable', string]
  | readonly ['has' | 'not' | 'size', Expression]
  | readonly ['and' | 'or' | 'equal' | 'unequal' | 'less' | 'lessOrEqual' | 'in', Expression, Expression]
  | readonly ['all' | 'exists', Expression, string, Expression];

/** False only when the condition cannot hold whatever the unknown values turn out to be. */
export function mayHold(expression: Expression, self: ValueObject): boolean {
  return evaluate(expression, { self }) !== false;
}

/** Attributes of the object itself that a condition speaks of, in its order. */
export function attributesOf(expression: Expression): string[] {
  if (expression === null || typeof expression !== 'object') return [];
  switch (expression[0]) {
    case 'variable':
      return [];
    case 'list':
      return expression.slice(1).flatMap(attributesOf);
    case 'get':
      return isSelf(expression[1]) ? [expression[2]] : attributesOf(expression[1]);
    case 'has':
    case 'not':
    case 'size':
      return attributesOf(expression[1]);
    case 'all':
    case 'exists':
      return [...attributesOf(expression[1]), ...attributesOf(expression[3])];
    default:
      return [...attributesOf(expression[1]), ...attributesOf(expression[2])];
  }
}

function isSelf(expression: Expression): boolean {
  return Array.isArray(expression) && expression[0] === 'variable' && expression[1] === 'self';
}

type Scope = Readonly<Record<string, Value>>;

function evaluate(expression: Expression, scope: Scope): Value {
  if (expression === null || typeof expression !== 'object') return expression;
  switch (expression[0]) {
    case 'list':
      return expression.slice(1).map((item) => evaluate(item, scope));
    case 'variable':
      return scope[expression[1]] ?? null;
    case 'get':
      return attribute(evaluate(expression[1], scope), expression[2]);
    case 'has':
      return isPresent(evaluate(expression[1], scope));
    case 'not':
      return negate(evaluate(expression[1], scope));
    case 'size':
      return size(evaluate(expression[1], scope));
    case 'all':
    case 'exists':
      return quantify(expression, scope);
    default:
      return binary(expression[0], expression[1], expression[2], scope);
  }
}

type BinaryOperator = 'and' | 'or' | 'equal' | 'unequal' | 'less' | 'lessOrEqual' | 'in';

function binary(operator: BinaryOperator, left: Expression, right: Expression, scope: Scope): Value {
  const a = evaluate(left, scope);
  if (operator === 'and' && a === false) return false;
  if (operator === 'or' && a === true) return true;
  const b = evaluate(right, scope);
  if (operator === 'and') return b === false ? false : known(a, b, () => a === true && b === true);
  if (operator === 'or') return b === true ? true : known(a, b, () => false);
  return known(a, b, () => compare(operator, a, b));
}

function compare(operator: Exclude<BinaryOperator, 'and' | 'or'>, a: Value, b: Value): Value {
  switch (operator) {
    case 'equal':
      return a === b;
    case 'unequal':
      return a !== b;
    case 'less':
      return Number(a) < Number(b);
    case 'lessOrEqual':
      return Number(a) <= Number(b);
    case 'in':
      return contains(a, b);
  }
}

function contains(item: Value, collection: Value): Value {
  if (!isList(collection)) return isObject(collection) && typeof item === 'string' && item in collection;
  if (collection.includes(item)) return true;
  return collection.some(isUnknown) ? UNKNOWN : false;
}

function quantify(
  expression: readonly ['all' | 'exists', Expression, string, Expression],
  scope: Scope,
): Value {
  const [kind, over, variable, body] = expression;
  const collection = evaluate(over, scope);
  if (isUnknown(collection)) return UNKNOWN;
  const items = isList(collection) ? collection : isObject(collection) ? Object.keys(collection) : [];
  const results = items.map((item) => evaluate(body, { ...scope, [variable]: item }));
  const decisive = kind === 'exists';
  if (results.includes(decisive)) return decisive;
  return results.some(isUnknown) ? UNKNOWN : !decisive;
}

function isPresent(value: Value): Value {
  if (!isUnknown(value)) return value !== null;
  return value.refinements?.notNull === true ? true : UNKNOWN;
}

function negate(value: Value): Value {
  return isUnknown(value) ? UNKNOWN : value !== true;
}

function size(value: Value): Value {
  if (isUnknown(value)) return UNKNOWN;
  if (typeof value === 'string' || isList(value)) return value.length;
  return isObject(value) ? Object.keys(value).length : 0;
}

function known(a: Value, b: Value, result: () => Value): Value {
  return isUnknown(a) || isUnknown(b) ? UNKNOWN : result();
}
