/** Stock smtp-server that discards: the ceiling of the library that our dialogue stands on. */
import { join } from 'node:path';
import { freePort, launch, stopTree, type Subject, waitForGreeting } from './subject.ts';

export function bareSubject(name: string, processes: number): Subject {
  return {
    name,
    overrides: ['no greeting delay', 'TLS 1.3, our key', `processes: ${processes}`],
    async start({ folder, tls, logins }) {
      const port = await freePort();
      const logFile = join(folder, 'bare.log');
      const argv = [
        process.execPath,
        join(import.meta.dirname, 'bare-server.ts'),
        JSON.stringify({ port, processes, ...tls, logins }),
      ];
      const child = launch({ argv, logFile });
      await waitForGreeting(port, child, logFile);
      return { port, pid: child.pid ?? 0, stop: () => stopTree(child) };
    },
  };
}
