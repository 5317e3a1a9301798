/** A refusal that a person can act on: one line that says what is wrong and what to do. Printed without a stack. */
export class Refusal extends Error {
  override name = 'Refusal';
}

/** Last lines of a text, for messages that quote a log. */
export function tail(text: string, lines = 8): string {
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}
