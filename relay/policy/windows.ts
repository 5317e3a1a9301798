/** Calendar windows of a time zone: the minute, hour, day and month that an instant lies in. */

export type WindowKind = 'minute' | 'hour' | 'day' | 'month';

/** [startMs, endMs) in epoch milliseconds. */
export interface Window {
  readonly startMs: number;
  readonly endMs: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Computes and remembers windows; an unknown zone counts as UTC, so that a typo never opens a limit. */
export class Calendar {
  readonly #formats = new Map<string, Intl.DateTimeFormat>();
  readonly #cache = new Map<string, Partial<Record<WindowKind, Window>>>();

  window(kind: WindowKind, nowMs: number, timeZone = 'UTC'): Window {
    let ofZone = this.#cache.get(timeZone);
    if (!ofZone) {
      ofZone = {};
      this.#cache.set(timeZone, ofZone);
    }
    const cached = ofZone[kind];
    if (cached && cached.startMs <= nowMs && nowMs < cached.endMs) return cached;
    const window = this.#compute(kind, nowMs, timeZone);
    ofZone[kind] = window;
    return window;
  }

  #compute(kind: WindowKind, nowMs: number, timeZone: string): Window {
    if (kind === 'minute') return span(Math.floor(nowMs / MINUTE) * MINUTE, MINUTE);
    const local = nowMs + this.#offset(nowMs, timeZone);
    if (kind === 'hour') return span(nowMs - (((local % HOUR) + HOUR) % HOUR), HOUR);
    const date = new Date(local);
    const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
    const start = kind === 'day' ? Math.floor(local / DAY) * DAY : Date.UTC(year, month, 1);
    const end = kind === 'day' ? start + DAY : Date.UTC(year, month + 1, 1);
    return { startMs: this.#toInstant(start, timeZone), endMs: this.#toInstant(end, timeZone) };
  }

  /** First instant whose local time is at or after `localMs`; a gap at midnight moves it behind the gap. */
  #toInstant(localMs: number, timeZone: string): number {
    const before = localMs - this.#offset(localMs - DAY, timeZone);
    const after = localMs - this.#offset(localMs + DAY, timeZone);
    for (const candidate of [Math.min(before, after), Math.max(before, after)]) {
      if (candidate + this.#offset(candidate, timeZone) >= localMs) return candidate;
    }
    return Math.max(before, after);
  }

  /** Offset of local time from UTC in milliseconds, whole minutes. */
  #offset(instantMs: number, timeZone: string): number {
    const parts: Record<string, number> = {};
    for (const part of this.#format(timeZone).formatToParts(instantMs)) parts[part.type] = Number(part.value);
    const local = Date.UTC(
      parts.year ?? 1970,
      (parts.month ?? 1) - 1,
      parts.day ?? 1,
      parts.hour ?? 0,
      parts.minute ?? 0,
    );
    return local - Math.floor(instantMs / MINUTE) * MINUTE;
  }

  #format(timeZone: string): Intl.DateTimeFormat {
    const known = this.#formats.get(timeZone);
    if (known) return known;
    const format = createFormat(timeZone) ?? createFormat('UTC');
    if (!format) throw new Error('UTC is not known to this runtime');
    this.#formats.set(timeZone, format);
    return format;
  }
}

function createFormat(timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
    });
  } catch {
    return undefined;
  }
}

function span(startMs: number, lengthMs: number): Window {
  return { startMs, endMs: startMs + lengthMs };
}
