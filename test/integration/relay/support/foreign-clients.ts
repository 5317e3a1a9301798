/**
 * Mail programs of others against the relay on its real ports: unpacked from Debian, in a mount namespace of their
 * own in which the relay's name is known and its CA is trusted as a machine trusts one. Nothing is switched off.
 */
import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheRoot } from '../../../cluster/cache.ts';
import { debianPackages, overlayLines } from '../../../cluster/debian.ts';
import { HOSTNAME, PASSWORD, startRelay, USERNAME } from './relay.ts';
import { type Received, startSink } from './sink.ts';
import { waitFor } from './wait.ts';

export const SENDER = 'hello@shop.example';
export const RECIPIENT = 'recipient@example.com';

export interface Ran {
  readonly code: number | null;
  readonly output: string;
}

export interface Invocation {
  readonly argv: readonly string[];
  readonly env?: Record<string, string>;
  readonly input?: string;
  /** Says what to type once the output so far is known; undefined: wait for more. */
  readonly answer?: (output: string) => string | undefined;
}

export interface ForeignClients {
  readonly username: string;
  readonly password: string;
  /** The program's credentials are in SMTP_USERNAME and SMTP_PASSWORD, as the documentation has it. */
  run(invocation: Invocation): Promise<Ran>;
  /** The one message that arrived since the last call. */
  arrived(): Promise<Received>;
  stop(): Promise<void>;
}

/** A relay on 587 and 465 of a loopback address of its own. */
export async function startForeignClients(packages: readonly string[]): Promise<ForeignClients> {
  const { root } = await debianPackages(packages);
  const byte = () => 2 + Math.floor(Math.random() * 250);
  const address = `127.${byte()}.${byte()}.${byte()}`;
  const sink = await startSink();
  const relay = await startRelay({
    smarthostPort: sink.port,
    config: { listen: { address, starttls: 587, tls: 465 } },
  });
  const folder = join(relay.folder, 'clients');
  await mkdir(folder);
  await writeFile(join(folder, 'php.ini'), `openssl.cafile=${relay.pki.caFile}\nextension=ctype\n`);
  const scratch = join(cacheRoot(), 'scratch');
  await mkdir(scratch, { recursive: true });
  const lines = overlayLines(
    [root],
    scratch,
    `cp /etc/hosts "$etc/hosts"; echo '${address} ${HOSTNAME}' >> "$etc/hosts"
     mkdir -p "$etc/ssl/certs"; cp '${relay.pki.caFile}' "$etc/ssl/certs/ca-certificates.crt"`,
  );
  let seen = 0;
  return {
    username: USERNAME,
    password: PASSWORD,
    run: (invocation) =>
      runIn(['unshare', '--mount', 'sh', '-ec', `${lines}\nexec "$@"`, 'sh'], {
        ...invocation,
        env: {
          PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
          HOME: folder,
          SSL_CERT_FILE: relay.pki.caFile,
          PHP_INI_SCAN_DIR: folder,
          SMTP_USERNAME: USERNAME,
          SMTP_PASSWORD: PASSWORD,
          ...invocation.env,
        },
      }),
    async arrived() {
      await waitFor(() => sink.received.length > seen, { what: 'the message at the sink' });
      const [message, ...others] = sink.received.slice(seen);
      seen = sink.received.length;
      if (!message || others.length > 0) throw new Error(`${others.length + 1} messages arrived`);
      return message;
    },
    async stop() {
      await relay.stop();
      await sink.close();
    },
  };
}

function runIn(inside: readonly string[], { argv, env, input = '', answer }: Invocation): Promise<Ran> {
  const [command = '', ...args] = [...inside, ...argv];
  const child = spawn(command, args, { ...(env && { env }), stdio: 'pipe', timeout: 30_000 });
  let output = '';
  const take = (chunk: Buffer) => {
    output += chunk.toString('latin1');
    const next = answer?.(output);
    if (next !== undefined) child.stdin.write(next);
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  // A program may end before it has read everything.
  child.stdin.on('error', () => undefined);
  if (!answer) child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}
