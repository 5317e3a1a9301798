/** One JSON object a line on standard output, which the starter points at the agent's log file. */
export function log(event: string, fields: Record<string, unknown> = {}): void {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), event, ...fields })}\n`);
}

export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
