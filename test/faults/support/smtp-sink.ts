/** Postfix's smtp-sink as next hop: takes large mail and many connections without keeping anything. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { debianPackages } from '../../cluster/debian.ts';
import { waitFor } from '../../integration/relay/support/wait.ts';

export interface CountingSink {
  readonly port: number;
  /** Sets it going; before, its port refuses connections. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export async function countingSink(): Promise<CountingSink> {
  const packages = await debianPackages(['postfix']);
  const port = await freePort();
  let child: ChildProcess | undefined;
  return {
    port,
    async start() {
      const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
      child = spawn(packages.bin('smtp-sink'), [...user, `127.0.0.1:${port}`, '256'], {
        stdio: 'ignore',
        env: packages.env(),
      });
      await waitFor(() => answers(port), { what: 'smtp-sink' });
    },
    async stop() {
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
