/** What a request to the API server can fail with. Retry depends on `kind` alone. */

/**
 * Invalid: the server refused the content. Conflict: exists already, or was changed meanwhile (409).
 * Temporary: try again. Permanent: forbidden or not served. NotFound: 404.
 * Unknown: a write whose outcome is not known; read before writing again.
 */
export type KubeErrorKind = 'Invalid' | 'Conflict' | 'Temporary' | 'Permanent' | 'Unknown' | 'NotFound';

export interface KubeErrorDetails {
  kind: KubeErrorKind;
  /** HTTP status; 0 when there was no answer. */
  status: number;
  /** The API's reason, such as AlreadyExists or Expired. */
  reason: string;
  retryAfterMs?: number | undefined;
  /** Fields that the server named. */
  fields?: string[] | undefined;
  cause?: unknown;
}

/** Messages name the request and the reason, and never hold a body. */
export class KubeError extends Error {
  readonly kind: KubeErrorKind;
  readonly status: number;
  readonly reason: string;
  readonly retryAfterMs: number | undefined;
  readonly fields: string[];

  constructor(message: string, details: KubeErrorDetails) {
    super(message, { cause: details.cause });
    this.name = 'KubeError';
    this.kind = details.kind;
    this.status = details.status;
    this.reason = details.reason;
    this.retryAfterMs = details.retryAfterMs;
    this.fields = details.fields ?? [];
  }
}

export function isKubeError(error: unknown, ...kinds: KubeErrorKind[]): error is KubeError {
  return error instanceof KubeError && (kinds.length === 0 || kinds.includes(error.kind));
}

/** 409 because an object of that name is there, as opposed to a changed resourceVersion. */
export function isAlreadyExists(error: unknown): boolean {
  return isKubeError(error, 'Conflict') && error.reason === 'AlreadyExists';
}

interface StatusBody {
  reason?: string;
  message?: string;
  details?: { causes?: { field?: string; message?: string }[]; retryAfterSeconds?: number };
}

export interface FailedRequest {
  method: string;
  /** Path without query. */
  path: string;
  sensitive: boolean;
}

/** Turn an answer with status 400 or above into an error. */
export function errorOfAnswer(
  request: FailedRequest,
  status: number,
  body: string,
  retryAfter: string | undefined,
): KubeError {
  const parsed = parseStatus(body);
  const reason = parsed.reason ?? `HTTP${status}`;
  const fields = (parsed.details?.causes ?? []).flatMap((cause) => (cause.field ? [cause.field] : []));
  // Validation messages quote values. For Secrets that would be a password.
  const message = oneLine(parsed.message ?? '');
  const said = request.sensitive ? fields.join(', ') || harmless(message) : message;
  return new KubeError(
    `${request.method} ${request.path} was answered with ${status} ${reason}${said ? `: ${said}` : ''}`,
    {
      kind: kindOfStatus(status),
      status,
      reason,
      fields,
      retryAfterMs: retryAfterMs(retryAfter, parsed.details?.retryAfterSeconds),
    },
  );
}

/** Turn a failure without an answer into an error. A write may have happened all the same. */
export function errorOfFailure(request: FailedRequest, cause: unknown): KubeError {
  const code = codeOf(cause);
  const isWrite = request.method !== 'GET';
  const neverSent = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT', 'EHOSTUNREACH'];
  const kind = isWrite && !neverSent.includes(code) ? 'Unknown' : 'Temporary';
  return new KubeError(`${request.method} ${request.path} had no answer (${code})`, {
    kind,
    status: 0,
    reason: code,
    cause,
  });
}

/** What the API server itself says of quotas, rights and namespaces; a webhook's own words could be anything. */
function harmless(message: string): string {
  const known = [
    / is forbidden: (exceeded quota: [^"'{}]+)$/,
    / is forbidden: (User "[^"]+" cannot [a-z]+ resource "[a-z]+" in API group "[^"]*" in the namespace "[^"]+")/,
    /(unable to create new content in namespace \S+ because it is being terminated)$/,
  ];
  return known.map((form) => form.exec(message)?.[1]).find((part) => part !== undefined) ?? '';
}

function kindOfStatus(status: number): KubeErrorKind {
  if (status === 404) return 'NotFound';
  if (status === 409) return 'Conflict';
  if (status === 400 || status === 422 || status === 413) return 'Invalid';
  // 401: the token is read again from its file before the next attempt.
  if (status === 401 || status === 408 || status === 410 || status === 429 || status >= 500)
    return 'Temporary';
  return 'Permanent';
}

function retryAfterMs(header: string | undefined, seconds: number | undefined): number | undefined {
  const value = header === undefined ? seconds : Number(header);
  return value !== undefined && Number.isFinite(value) && value >= 0
    ? Math.min(value, 300) * 1000
    : undefined;
}

function parseStatus(body: string): StatusBody {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

/** Errors of sockets may come from another realm: looked at by shape. */
function codeOf(cause: unknown): string {
  if (typeof cause !== 'object' || cause === null) return 'unknown';
  if ('code' in cause && typeof cause.code === 'string') return cause.code;
  if ('cause' in cause && cause.cause !== undefined) return codeOf(cause.cause);
  return 'name' in cause ? String(cause.name) : 'unknown';
}

function oneLine(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is removed
  return text.replaceAll(/[\u0000-\u001f\u007f]+/g, ' ').slice(0, 500);
}
