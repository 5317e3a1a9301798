/** Builds a server of the library and turns its callbacks into our handlers. */
import type { SMTPServerOptions, SMTPServerSession } from 'smtp-server';
import type { Client, Envelope, Handlers } from './client.ts';
import { connectionOf, MAX_AUTH_LINE, Server } from './library.ts';
import { REPLIES, SmtpError } from './replies.ts';

export interface ServerOptions {
  readonly implicitTls: boolean;
  readonly key: string;
  readonly cert: string;
  readonly name: string;
  readonly maxSize: number;
  readonly idleMs: number;
  readonly handshakeMs: number;
}

const MAX_UNAUTHENTICATED_COMMANDS = 20;

export function createServer(options: ServerOptions, handlers: Handlers): Server {
  const library = { ...libraryOptions(options), ...callbacks(handlers) };
  return new Server(library, handlers, options.handshakeMs);
}

function callbacks(handlers: Handlers): SMTPServerOptions {
  return {
    onConnect: (session, done) =>
      answer(handlers, session, async (client) => handlers.connected(client), done),
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
    onMailFrom: (address, session, done) =>
      answer(handlers, session, (client) => handlers.mail(client, address.address), done),
    onRcptTo: (address, session, done) =>
      answer(handlers, session, async (client) => handlers.recipient(client, address.address), done),
    onData: (stream, session, done) =>
      answer(
        handlers,
        session,
        (client) => handlers.data(client, envelopeOf(session), stream),
        (error, text) => {
          done(error, text);
          if (!error) connectionOf(session).acceptedMail();
          notifyReplied(handlers, session);
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
    rejectOversized: true,
    authMethods: ['LOGIN', 'PLAIN'],
    authRequiredMessage: '5.7.0 Authentication required',
    hideENHANCEDSTATUSCODES: false,
    disabledCommands: ['WIZ', 'SHELL', 'KILL', 'XCLIENT', 'XFORWARD', 'HELP'],
    disableReverseLookup: true,
    maxCommandLength: MAX_AUTH_LINE,
    maxAllowedUnauthenticatedCommands: MAX_UNAUTHENTICATED_COMMANDS,
    socketTimeout: options.idleMs,
    logger: false,
  };
}

function envelopeOf(session: SMTPServerSession): Envelope {
  const { mailFrom, rcptTo, smtpUtf8 } = session.envelope;
  return {
    from: mailFrom ? mailFrom.address : '',
    recipients: rcptTo.map((recipient) => recipient.address),
    smtpUtf8: smtpUtf8 === true,
  };
}

/** Runs one handler and turns what it throws into the reply; a bug is a 451, never a crash. */
function answer<T>(
  handlers: Handlers,
  session: SMTPServerSession,
  run: (client: Client) => Promise<T>,
  done: (error?: Error | null, value?: T) => void,
): void {
  const { client } = connectionOf(session);
  run(client).then(
    (value) => done(null, value),
    (error: unknown) => {
      if (!(error instanceof SmtpError)) handlers.failed(client, error);
      done(error instanceof SmtpError ? error : new SmtpError(REPLIES.internal));
    },
  );
}

/** After the library wrote its reply. */
function notifyReplied(handlers: Handlers, session: SMTPServerSession): void {
  setImmediate(() => handlers.replied(connectionOf(session).client));
}
