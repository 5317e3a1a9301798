/** For each attribute that has a check, a value that breaks it: one problem, at the attribute, with what is allowed. */
import { expect, it } from '@jest/globals';
import {
  asText,
  clampPath,
  isNested,
  object,
  validate,
  type Attribute,
  type Attributes,
  type Check,
  type Value,
} from '../core/index.ts';
import { createProvider } from './provider.ts';

interface Row {
  readonly title: string;
  readonly attributes: Attributes;
  readonly top: string;
  readonly config: Value;
  readonly words: string;
}

/** Of these at least one breaks any pattern. */
const ODD_TEXTS = ['?', '%%', 'A B', 'x\ny', '-'];
const { schema: block, resources, dataSources, ephemeralResources, actions } = createProvider({});
const prefixed = (prefix: string, members: object) =>
  Object.entries(members).map(([name, member]) => [prefix + name, member] as const);
const SCHEMAS = [
  ['provider', { schema: block }] as const,
  ...prefixed('', resources),
  ...prefixed('data.', dataSources),
  ...prefixed('ephemeral.', ephemeralResources),
  ...prefixed('action.', actions),
] as (readonly [
  string,
  { schema: { attributes: Attributes; blocks?: Record<string, { attributes: Attributes }> } },
])[];

const ROWS: Row[] = SCHEMAS.flatMap(([name, { schema }]) => {
  const blocks = Object.entries(schema.blocks ?? {}).map(([title, { attributes }]): [string, Attribute] => [
    title,
    { type: { nesting: 'single', attributes }, optional: true },
  ]);
  const attributes = { ...schema.attributes, ...Object.fromEntries(blocks) };
  return wrongs(attributes).map(({ place, config, words }) => ({
    title: `${name}: ${place.join('.')}: ${words}`,
    attributes,
    top: place[0] ?? '',
    config,
    words,
  }));
});

it('every kind of check is met', () => {
  expect(ROWS.length).toBeGreaterThan(150);
});

it.each(ROWS.map((row) => [row.title, row] as const))('%s', (_title, { attributes, top, config, words }) => {
  const found = validate({ version: 0, description: '', attributes }, config as never).map(clampPath);
  expect(found).toEqual([
    {
      severity: 'error',
      summary: 'Invalid value',
      path: [{ name: top }],
      detail: expect.stringContaining(words),
    },
  ]);
  // A pattern says nothing to the one who reads it.
  expect(found[0]?.detail).not.toMatch(/must match/);
});

interface Wrong {
  readonly place: readonly string[];
  readonly config: Value;
  readonly words: string;
}

function wrongs(attributes: Attributes): Wrong[] {
  return Object.entries(attributes).flatMap(([name, { type, check, required, optional }]) => {
    if (!required && !optional) return [];
    const own = broken(check).map(({ value, words }) => ({ place: [name], config: value, words }));
    const inner = isNested(type)
      ? wrongs(type.attributes).map(({ place, config, words }) => ({
          place: [name, ...place],
          config: within(type.nesting, config),
          words,
        }))
      : [];
    return [...own, ...inner].map((wrong) => ({ ...wrong, config: object([[name, wrong.config]]) }));
  });
}

function within(nesting: string, item: Value): Value {
  if (nesting === 'single') return item;
  return nesting === 'map' ? object([['k', item]]) : [item];
}

interface Broken {
  readonly value: Value;
  readonly words: string;
}

/** One value for each way in which a check can be broken. */
function broken(check: Check | undefined): Broken[] {
  if (check === undefined) return [];
  const {
    oneOf,
    pattern,
    rule,
    min,
    max,
    minLength = 0,
    maxLength,
    maxItems,
    jsonObject,
    each,
    keys,
  } = check;
  const found: Broken[] = [];
  if (oneOf) found.push({ value: '?', words: `must be one of "${oneOf.join('", "')}", not "?"` });
  if (jsonObject) found.push({ value: '?', words: 'must be an object as JSON' });
  if (min !== undefined) found.push({ value: min - 1, words: `${min}` });
  if (max !== undefined) found.push({ value: max + 1, words: `${max}` });
  if (check.wholeNumber) found.push({ value: (min ?? 0) + 0.5, words: 'must be a whole number' });
  if (maxLength !== undefined)
    found.push({ value: 'x'.repeat(maxLength + 1), words: `${maxLength} characters` });
  if (minLength > 0) found.push({ value: '', words: `${minLength}` });
  const odd = ODD_TEXTS.find((text) => pattern !== undefined && !new RegExp(pattern, 'u').test(text));
  if (pattern !== undefined)
    found.push({ value: odd?.padEnd(minLength, '?') ?? null, words: rule ?? '(no rule)' });
  if (maxItems !== undefined && each === undefined)
    found.push({ value: Array.from({ length: maxItems + 1 }, () => null), words: `${maxItems} entries` });
  found.push(...broken(each).map(({ value, words }) => ({ value: [value], words })));
  found.push(...broken(keys).map(({ value, words }) => ({ value: object([[asText(value), null]]), words })));
  return found;
}
