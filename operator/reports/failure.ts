/** A refusal that the caller reads: `{error: {code, message}}` with this status. */
export class Failure extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.name = 'Failure';
    this.status = status;
    this.code = code;
  }
}
