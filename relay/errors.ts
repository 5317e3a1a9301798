/**
 * The one table of the relay's own errors. SMTP replies stand in session/replies.ts.
 * `kind` alone decides about retrying; `hint` says what to do next.
 */
export type ErrorKind = 'Invalid' | 'Conflict' | 'Temporary' | 'Permanent' | 'Unknown' | 'Bug';

interface ErrorEntry {
  readonly kind: ErrorKind;
  readonly template: string;
  readonly hint: string;
}

export const ERRORS = {
  R_CONFIG_USAGE: {
    kind: 'Invalid',
    template: 'no configuration file named',
    hint: 'Start with: relay --config relay.yaml',
  },
  R_CONFIG_UNREADABLE: {
    kind: 'Invalid',
    template: 'cannot read {file}: {cause}',
    hint: 'Check the path and that the file is readable for this user.',
  },
  R_CONFIG_SYNTAX: {
    kind: 'Invalid',
    template: '{file} is not valid YAML: {cause}',
    hint: 'Mend the line named.',
  },
  R_CONFIG_INVALID: {
    kind: 'Invalid',
    template: '{file}: {path}: {cause}',
    hint: 'See docs/relay-standalone.md for the fields of relay.yaml.',
  },
  R_TLS_UNUSABLE: {
    kind: 'Invalid',
    template: 'certificate {certFile} with key {keyFile} cannot be used: {cause}',
    hint: 'Give a PEM certificate chain and its private key.',
  },
  R_CLIENT_CA_UNUSABLE: {
    kind: 'Invalid',
    template: 'client CA {file} cannot be used: {cause}',
    hint: 'Give a PEM file with the CA that signs the operator’s client certificate.',
  },
  R_LISTEN: {
    kind: 'Conflict',
    template: 'cannot listen on {address}:{port} for {purpose}: {cause}',
    hint: 'Free the port or choose another one.',
  },
  R_STORE_LOCKED: {
    kind: 'Conflict',
    template: 'another relay process uses the store in {directory}',
    hint: 'Stop it first; one embedded store serves one process.',
  },
  R_STORE_NEWER: {
    kind: 'Permanent',
    template: 'the store in {directory} has schema {found}, this release knows {known}',
    hint: 'Start the release that wrote it, or a later one.',
  },
  R_STORE_UNUSABLE: {
    kind: 'Temporary',
    template: 'the store in {directory} cannot be used: {cause}',
    hint: 'Check that the folder exists, is writable for this user and has space left.',
  },
  R_DATABASE_URI: {
    kind: 'Invalid',
    template: 'the database URI cannot be used: {cause}',
    hint: 'Put postgres://user:password@host:5432/database?sslmode=verify-full into the file that storage.uriFile names.',
  },
  R_STORE_WRITE: {
    kind: 'Temporary',
    template: 'the store could not write: {cause}',
    hint: 'Check space and health of the volume or the database; the relay recovers by itself.',
  },
  R_STORE_CLOSED: {
    kind: 'Temporary',
    template: 'the store is closed',
    hint: 'The process is stopping; send again to another one.',
  },
  R_BODY_MISSING: {
    kind: 'Permanent',
    template: 'message {queueId} has lost its content in the store',
    hint: 'Its sender gets a bounce; look for damage of the volume.',
  },
  R_SHARD_INVALID: {
    kind: 'Invalid',
    template: 'shard document {source} is not usable: {cause}',
    hint: 'The last good revision stays in force; write a document of a known format.',
  },
  R_UPSTREAM_TIMEOUT: {
    kind: 'Unknown',
    template: 'no answer from {host} within {seconds} s while {stage}',
    hint: 'The message is tried again with the same Message-ID.',
  },
  R_UPSTREAM_ADDRESS: {
    kind: 'Permanent',
    template: '{host} resolves to {address}, which is not a public address',
    hint: 'Set delivery.direct.allowPrivateAddresses to deliver there.',
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

/** An error of the table; `message` is one line and names no secret. */
export class RelayError extends Error {
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly hint: string;

  constructor(code: ErrorCode, params: Record<string, string | number> = {}, cause?: unknown) {
    const entry: ErrorEntry = ERRORS[code];
    const values = { cause: cause === undefined ? '' : describeCause(cause), ...params };
    super(
      entry.template.replace(/\{(\w+)\}/g, (_, name: string) =>
        oneLine(String(Reflect.get(values, name) ?? '')),
      ),
      {
        cause,
      },
    );
    this.name = 'RelayError';
    this.code = code;
    this.kind = entry.kind;
    this.hint = entry.hint;
  }
}

/** The innermost useful text of an error, without "Error:" chains. */
export function describeCause(cause: unknown): string {
  return oneLine(cause instanceof Error ? cause.message : String(cause));
}

// eslint-disable-next-line no-control-regex -- control characters are what is removed here
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g;

/** Cleans foreign text to one printable line; `max` bounds what a peer can make us store or log. */
export function oneLine(text: string, max = 500): string {
  return text.replace(UNPRINTABLE, ' ').trim().slice(0, max);
}
