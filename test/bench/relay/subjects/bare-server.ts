/** One or more processes of stock smtp-server on one port: takes every login that is known, discards every message. */
import cluster from 'node:cluster';
import { readFileSync } from 'node:fs';
import { SMTPServer } from 'smtp-server';
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js';
import type { Login } from '../load/index.ts';

interface Settings {
  readonly port: number;
  readonly processes: number;
  readonly certFile: string;
  readonly keyFile: string;
  readonly logins: readonly Login[];
}

const settings = JSON.parse(process.argv[2] ?? '{}') as Settings;

if (settings.processes > 1 && cluster.isPrimary) {
  for (let i = 0; i < settings.processes; i++) cluster.fork();
} else {
  serve(settings);
}

function serve({ port, certFile, keyFile, logins }: Settings): void {
  withoutGreetingDelay();
  const known = new Map(logins.map(({ username, password }) => [username, password]));
  const server = new SMTPServer({
    cert: readFileSync(certFile),
    key: readFileSync(keyFile),
    minVersion: 'TLSv1.3',
    disableReverseLookup: true,
    logger: false,
    onAuth({ username = '', password }, _session, done) {
      if (known.get(username) === password) done(null, { user: username });
      else done(new Error('wrong password'));
    },
    onData(stream, _session, done) {
      stream.resume();
      stream.on('end', () => done());
    },
  });
  server.on('error', () => undefined);
  server.listen(port, '127.0.0.1');
}

/** The library waits 100 ms before it greets; with that it would be no ceiling for one message a connection. */
function withoutGreetingDelay(): void {
  SMTPConnection.prototype.init = function init(this: SMTPConnection) {
    this._setListeners(() => this.connectionReady());
  };
}
