import type { Log, LogLevel } from '../core/index.ts';

const LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error'];

/**
 * hclog lines on standard error, as Terraform reads them from a plugin: one JSON object each, `@timestamp`
 * with exactly six fraction digits. Terraform filters by level itself; what it would drop is not written.
 */
export function createLog(
  environment: Readonly<Record<string, string | undefined>>,
  write: (line: string) => void,
): Log {
  const wanted = environment['TF_LOG_PROVIDER'] ?? environment['TF_LOG'] ?? '';
  const index = LEVELS.indexOf(wanted.toLowerCase() as LogLevel);
  const lowest = wanted.toUpperCase() === 'JSON' ? 0 : index === -1 ? LEVELS.length : index;
  return (level, message, fields = {}) => {
    if (LEVELS.indexOf(level) < lowest) return;
    const timestamp = new Date().toISOString().replace('Z', '000Z');
    write(
      `${JSON.stringify({ '@level': level, '@message': message, '@module': 'migosmtp', '@timestamp': timestamp, ...fields })}\n`,
    );
  };
}
