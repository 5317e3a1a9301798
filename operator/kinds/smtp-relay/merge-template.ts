/** spec.podTemplate over the operator's own template. Pure. */

type Json = Record<string, unknown>;

/**
 * Objects merge key by key, and lists whose entries have names merge entry by entry; everything else is replaced.
 * null removes.
 */
export function mergeTemplate(base: Json, over: Json): Json {
  const result: Json = { ...base };
  for (const [key, value] of Object.entries(over)) {
    if (value === null) delete result[key];
    else result[key] = mergeValue(base[key], value);
  }
  return result;
}

function mergeValue(base: unknown, over: unknown): unknown {
  if (isObject(base) && isObject(over)) return mergeTemplate(base, over);
  if (isNamedList(base) && isNamedList(over)) return mergeNamed(base, over);
  return over;
}

function mergeNamed(base: (Json & { name: string })[], over: (Json & { name: string })[]): Json[] {
  const known = new Set(base.map(({ name }) => name));
  const merged = base.map((item) => {
    const change = over.find(({ name }) => name === item.name);
    return change === undefined ? item : mergeTemplate(item, change);
  });
  return [...merged, ...over.filter(({ name }) => !known.has(name))];
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNamedList(value: unknown): value is (Json & { name: string })[] {
  return Array.isArray(value) && value.every((item) => isObject(item) && typeof item['name'] === 'string');
}
