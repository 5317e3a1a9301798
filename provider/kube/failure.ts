/** What the API server answered when it refused: its own words, never what was sent. */
export class ApiError extends Error {
  readonly status: number;
  readonly reason: string;
  readonly causes: readonly ApiCause[];
  readonly retryAfterMs: number | undefined;

  constructor(status: number, body: StatusBody, retryAfterMs?: number) {
    super(body.message ?? `HTTP status ${status}`);
    this.name = 'ApiError';
    this.status = status;
    this.reason = body.reason ?? '';
    this.causes = body.details?.causes ?? [];
    this.retryAfterMs = retryAfterMs ?? secondsToMs(body.details?.retryAfterSeconds);
  }
}

export interface ApiCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

/** metav1.Status as far as it is read. */
export interface StatusBody {
  readonly message?: string;
  readonly reason?: string;
  readonly details?: { readonly causes?: readonly ApiCause[]; readonly retryAfterSeconds?: number };
}

/** No answer at all: refused, cut, timed out, or a certificate that does not verify. */
export class ConnectionError extends Error {
  readonly code: string;
  readonly server: string;

  constructor(server: string, code: string, message: string) {
    super(message);
    this.name = 'ConnectionError';
    this.server = server;
    this.code = code;
  }
}

/** The provider block cannot be turned into a connection. `attribute` is where it went wrong. */
export class SettingsError extends Error {
  readonly attribute: string | undefined;

  constructor(message: string, attribute?: string) {
    super(message);
    this.name = 'SettingsError';
    this.attribute = attribute;
  }
}

function secondsToMs(seconds: number | undefined): number | undefined {
  return seconds === undefined || seconds === 0 ? undefined : seconds * 1000;
}
