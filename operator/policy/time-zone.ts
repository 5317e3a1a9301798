/** Calendar periods in a time zone. Pure but for what it remembers: the zone data is Node's own. */

/** Asked for every account, and a formatter takes a tenth of a millisecond to make. */
const known = new Map<string, boolean>();
/** People name the zones: more than exist are nonsense. */
const MOST_KNOWN = 1_000;

export function isTimeZone(zone: string): boolean {
  const before = known.get(zone);
  if (before !== undefined) return before;
  if (known.size >= MOST_KNOWN) known.clear();
  const is = isFormatted(zone);
  known.set(zone, is);
  return is;
}

function isFormatted(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** Calendar day there, `2026-11-21`. */
export function dayIn(zone: string, time: Date): string {
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone: zone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  }).formatToParts(time);
  const part = (type: string): string => parts.find((entry) => entry.type === type)?.value ?? '';
  return `${part('year')}-${part('month')}-${part('day')}`;
}
