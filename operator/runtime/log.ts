/** Structured logs on stdout, one JSON object a line. Errors are logged by kind and message, never by body. */
import { pino, type Logger } from 'pino';

export type Log = Logger;

export function createLog(level = process.env['LOG_LEVEL'] || 'info'): Log {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: errorFields },
  });
}

/** What is said of an error. Stacks only for bugs, which have no kind. */
function errorFields(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) };
  const kind = 'kind' in error && typeof error.kind === 'string' ? error.kind : undefined;
  return {
    name: error.name,
    message: error.message,
    ...(kind === undefined ? { stack: error.stack } : { kind }),
  };
}
