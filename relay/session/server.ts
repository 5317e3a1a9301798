/** Builds a server of the library and turns its callbacks into our handlers. */
import type { SMTPServerOptions, SMTPServerSession } from 'smtp-server';
import type { Client, Handlers } from './client.ts';
import { type BeforeSession, connectionOf, Server } from './library.ts';
import { REPLIES, SmtpError } from './replies.ts';

export interface ServerOptions {
  readonly implicitTls: boolean;
  readonly key: string;
  readonly cert: string;
  readonly name: string;
  readonly maxSize: number;
  readonly idleMs: number;
  /** Nobody logs in here: anybody may begin a transaction, and the handlers decide. */
  readonly isPublic?: boolean;
  readonly beforeSession: BeforeSession;
}

const MAX_UNAUTHENTICATED_COMMANDS = 20;
const DISABLED_COMMANDS = ['WIZ', 'SHELL', 'KILL', 'XCLIENT', 'XFORWARD', 'HELP'];

export function createServer(options: ServerOptions, handlers: Handlers): Server {
  const library = { ...libraryOptions(options), ...callbacks(handlers) };
  return new Server(library, handlers, options.beforeSession);
}

function callbacks(handlers: Handlers): SMTPServerOptions {
  return {
    onConnect: (session, done) => answer(handlers, session, (client) => handlers.connected(client), done),
    onAuth: (auth, session, done) =>
      answer(
        handlers,
        session,
        async (client) => {
          await handlers.login(client, auth.username ?? '', auth.password ?? '');
          // Any true value: who it is, the dialogue knows by the client.
          return { user: true };
        },
        (error, user) => {
          done(error, user);
          if (error) notifyReplied(handlers, session);
        },
      ),
    onClose: (session) => handlers.closed(connectionOf(session).client),
  };
}

function libraryOptions(options: ServerOptions): SMTPServerOptions {
  return {
    secure: options.implicitTls,
    key: options.key,
    cert: options.cert,
    minVersion: 'TLSv1.2',
    name: options.name,
    banner: 'ready',
    size: options.maxSize,
    authMethods: options.isPublic ? [] : ['LOGIN', 'PLAIN'],
    authOptional: options.isPublic === true,
    authRequiredMessage: '5.7.0 Authentication required',
    hideENHANCEDSTATUSCODES: false,
    hideDSN: false,
    disabledCommands: [...DISABLED_COMMANDS, ...(options.isPublic ? ['AUTH'] : [])],
    disableReverseLookup: true,
    maxAllowedUnauthenticatedCommands: MAX_UNAUTHENTICATED_COMMANDS,
    socketTimeout: options.idleMs,
    logger: false,
  };
}

/** Runs one handler and turns what it throws into the reply; a bug is a 451, never a crash. */
function answer<T>(
  handlers: Handlers,
  session: SMTPServerSession,
  run: (client: Client) => Promise<T> | T,
  done: (error?: Error | null, value?: T) => void,
): void {
  const { client } = connectionOf(session);
  const fail = (error: unknown) => {
    if (!(error instanceof SmtpError)) handlers.failed(client, error);
    done(error instanceof SmtpError ? error : new SmtpError(REPLIES.internal));
  };
  let result: Promise<T> | T;
  try {
    result = run(client);
  } catch (error) {
    return fail(error);
  }
  if (result instanceof Promise) result.then((value) => done(null, value), fail);
  else done(null, result);
}

/** After the library wrote its reply. */
function notifyReplied(handlers: Handlers, session: SMTPServerSession): void {
  setImmediate(() => handlers.replied(connectionOf(session).client));
}
