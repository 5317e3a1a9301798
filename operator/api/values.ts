/** Reading of the textual values that specs hold. */

const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000 } as const;

/** Milliseconds of a duration such as `1h30m`. The text must match DURATION_PATTERN. */
export function durationMs(text: string): number {
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/([0-9]+)(s|m|h)/g)) {
    total += Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS];
  }
  return total;
}

const QUANTITY_FACTOR: Record<string, number> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** Bytes of a quantity such as `25Mi`. The text must match QUANTITY_PATTERN. */
export function quantityBytes(text: string): number {
  const match = /^([0-9]+)([A-Za-z]*)$/.exec(text);
  return Number(match?.[1] ?? 0) * (QUANTITY_FACTOR[match?.[2] ?? ''] ?? 1);
}
