/** The stack of an error without its first lines, which hold the message: that may quote what was handled. */
export function codePlaces(cause: unknown): string {
  const stack = cause instanceof Error ? (cause.stack ?? '') : '';
  const lines = stack.split('\n').filter((line) => /^\s+at /.test(line));
  return lines.slice(0, 12).join('\n');
}
