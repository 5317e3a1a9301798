/** What a PostgreSQL connection URI says: where, who, and how far TLS is verified. */
import { RelayError } from '../../errors.ts';

export interface DatabaseAddress {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  readonly tls: 'off' | 'unverified' | 'chain' | 'full';
  /** File of the CA named in the URI; null: the one beside the URI's file, if any. */
  readonly caFile: string | null;
}

const MODES = {
  disable: 'off',
  require: 'unverified',
  'verify-ca': 'chain',
  'verify-full': 'full',
} as const;

/**
 * `postgres://user:password@host:5432/database?sslmode=verify-full&sslrootcert=/path`; `?host=/folder` is a Unix
 * socket. Without sslmode TLS is required, except to this machine: a password must not cross a network in the clear
 * because a parameter was forgotten.
 */
export function parseDatabaseUri(text: string): DatabaseAddress {
  const uri = parseUrl(text.trim());
  const socketFolder = uri.searchParams.get('host');
  const host = socketFolder ?? decodeURIComponent(uri.hostname).replace(/^\[|\]$/g, '');
  const mode = uri.searchParams.get('sslmode') ?? (isLocal(host) ? 'disable' : 'require');
  if (!(mode in MODES)) throw invalid(`sslmode is none of ${Object.keys(MODES).join(', ')}`);
  if (!host) throw invalid('it names no host');
  const user = decodeURIComponent(uri.username);
  if (!user) throw invalid('it names no user');
  return {
    host,
    port: Number(uri.port || uri.searchParams.get('port') || 5432),
    database: decodeURIComponent(uri.pathname.slice(1)) || user,
    user,
    password: decodeURIComponent(uri.password),
    tls: MODES[mode as keyof typeof MODES],
    caFile: uri.searchParams.get('sslrootcert'),
  };
}

/** The parser's own message repeats the URI, which holds the password. */
function parseUrl(text: string): URL {
  const uri = URL.parse(text);
  if (uri === null || !/^postgres(ql)?:$/.test(uri.protocol)) {
    throw invalid('it does not read postgres://user:password@host:port/database');
  }
  return uri;
}

function isLocal(host: string): boolean {
  return host.startsWith('/') || host === 'localhost' || host === '::1' || host.startsWith('127.');
}

function invalid(cause: string): RelayError {
  return new RelayError('R_DATABASE_URI', { cause });
}
