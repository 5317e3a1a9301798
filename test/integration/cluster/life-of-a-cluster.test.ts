import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { clusterNames, openCluster, startCluster, stopCluster } from '../../cluster/index.ts';
import { isAlive } from '../../cluster/processes.ts';
import { apply, ask, pod, printed, web } from './objects.ts';

const entry = join(import.meta.dirname, '../../cluster/index.ts');

test('two clusters run side by side and know nothing of each other', async () => {
  const [one, two] = await Promise.all([startCluster(), startCluster()]);
  try {
    await apply(one, pod('only-one', web()));
    expect(await two.kubectl(['get', 'pods'])).not.toContain('only-one');
    const path = 'jsonpath={.status.podIP}';
    const url = await one.waitFor('an address', async () => {
      const address = await one.kubectl(['get', 'pod', 'only-one', '-o', path]);
      return address !== '' && `http://${address}:8080/`;
    });
    await one.waitFor('an answer', async () => (await ask(one, [url]))[0] === 'only-one');
    expect(await ask(two, [url])).toEqual(['failed']);
  } finally {
    await Promise.all([one.stop(), two.stop()]);
  }
}, 1_200_000);

test('what a killed run leaves is removed by the next start', async () => {
  const name = `dead-${process.pid}`;
  const script = `const { startCluster } = await import(${JSON.stringify(entry)});
await startCluster({ name: ${JSON.stringify(name)} }); console.log('up'); setInterval(() => {}, 1000);`;
  const run = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => run.stdout.once('data', resolve));
  const dead = await openCluster(name);
  await apply(dead, pod('left', { command: ['sh', '-c', 'echo up; exec sleep 1000'] }));
  await printed(dead, 'left', /up/);
  const temporary = await dead.temporaryFolder('left');
  const processes = [...(await dead.processes()).values()];
  expect(processes.filter(isAlive).length).toBeGreaterThanOrEqual(6);
  run.kill('SIGKILL');
  await new Promise((resolve) => run.once('close', resolve));

  const next = await startCluster();
  await next.stop();
  expect(processes.filter(isAlive)).toEqual([]);
  expect(existsSync(dead.paths.folder)).toBe(false);
  expect(existsSync(temporary)).toBe(false);
  expect(await clusterNames()).not.toContain(name);
  dead.api.close();
}, 120_000);

test('an occupied port is refused in one line that says what to do', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await expect(startCluster({ name: 'occupied', port })).rejects.toThrow(
    `port ${port} on 127.0.0.1 is taken`,
  );
  server.close();
});

test('taking down a cluster that is not there is success', async () => {
  await stopCluster('never-was');
});
