/** JSON logs, one object a line on stdout. Callers pass named fields, never whole objects of others: so no credential. */
import { pino } from 'pino';

export type Log = Pick<ReturnType<typeof pino>, 'debug' | 'info' | 'warn' | 'error'>;

export function createLog(level = process.env.RELAY_LOG_LEVEL ?? 'info'): Log {
  // Written at once, off the event loop; what comes meanwhile goes with the next write.
  const destination = pino.destination({ dest: 1, sync: false });
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

/** For tests and tools that want silence. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
