/** Postfix's smtp-sink on an address of its own in 127.0.0.0/8: a mail host that takes everything, or refuses as told. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { debianPackages } from '../../../cluster/debian.ts';
import { waitFor } from './wait.ts';

export interface SmtpSink {
  readonly address: string;
  /** Recipients of the messages taken so far. */
  recipients(): Promise<string[]>;
  stop(): Promise<void>;
}

/** A network of the loopback for one test file: `127.a.b.<n>`. */
export function loopbackNetwork(): (n: number) => string {
  const prefix = `127.${randomInt(20, 250)}.${randomInt(1, 250)}`;
  return (n) => `${prefix}.${n}`;
}

/** `args` as smtp-sink takes them, e.g. `-f RCPT` for a temporary refusal. */
export async function startSmtpSink(address: string, args: readonly string[] = []): Promise<SmtpSink> {
  const packages = await debianPackages(['postfix']);
  const folder = await mkdtemp(join(tmpdir(), 'smtp-sink-'));
  // smtp-sink gives up root once it has its port.
  await chmod(folder, 0o777);
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const child: ChildProcess = spawn(
    packages.bin('smtp-sink'),
    [...user, ...args, '-d', join(folder, '%s.'), `${address}:25`, '64'],
    { stdio: 'ignore', env: packages.env() },
  );
  await waitFor(() => answers(address), { what: `smtp-sink on ${address}` });
  return {
    address,
    async recipients() {
      const files = (await readdir(folder)).toSorted();
      const dumps = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
      return dumps.flatMap((dump) =>
        [...dump.matchAll(/^X-Rcpt-Args: <(.*?)>/gm)].map(([, recipient = '']) => recipient),
      );
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        const exited = once(child, 'exit');
        child.kill('SIGKILL');
        await exited;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function answers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: 25 }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
