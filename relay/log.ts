/** JSON logs, one object a line on stdout. Callers pass named fields, never whole objects of others: so no credential. */
import { pino } from 'pino';

export type Log = Pick<ReturnType<typeof pino>, 'debug' | 'info' | 'warn' | 'error'>;

/** Lines wait so long for others, or until so much has come together. */
const TOGETHER_MS = 20;
const TOGETHER_LENGTH = 8_192;

export function createLog(level = process.env.RELAY_LOG_LEVEL ?? 'info'): Log {
  const destination = inBursts(pino.destination({ dest: 1, sync: false }));
  process.on('exit', () => destination.flushSync());
  return pino(
    {
      level,
      base: { component: 'relay' },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
}

/** Lines of some moments go out in one write, off the event loop: one each would cost more than what is in them. */
function inBursts(destination: ReturnType<typeof pino.destination>) {
  let lines = '';
  let pending: NodeJS.Timeout | undefined;
  const pass = () => {
    clearTimeout(pending);
    pending = undefined;
    destination.write(lines);
    lines = '';
  };
  return {
    write(line: string): void {
      lines += line;
      if (lines.length >= TOGETHER_LENGTH) pass();
      else pending ??= setTimeout(pass, TOGETHER_MS).unref();
    },
    flushSync(): void {
      if (lines !== '') pass();
      destination.flushSync();
    },
  };
}

/** For tests and tools that want silence. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
