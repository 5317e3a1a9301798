import { afterEach, describe, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { watchFiles } from './files.ts';

describe('files that are watched', () => {
  const folder = mkdtempSync(join(tmpdir(), 'migosmtp-files-'));
  const file = join(folder, 'tls.crt');
  let stop = () => {};
  let changes = 0;

  function watchIt(): void {
    changes = 0;
    stop = watchFiles([file], () => changes++);
  }

  async function seen(count: number): Promise<void> {
    const deadline = Date.now() + 5_000;
    const isOver = () => changes >= count || Date.now() > deadline;
    while (!isOver()) await sleep(5);
    expect(changes).toBeGreaterThanOrEqual(count);
  }

  afterEach(() => {
    stop();
    rmSync(file, { force: true });
  });

  it('are noticed when they are written, also while another file beside them never rests', async () => {
    writeFileSync(file, 'one');
    watchIt();
    const busy = setInterval(() => writeFileSync(join(folder, 'log'), String(Math.random())), 2);
    try {
      // Ten times as long as one look takes: the log alone brings none.
      await sleep(200);
      expect(changes).toBe(0);
      writeFileSync(file, 'two');
      await seen(1);
      const after = changes;
      await sleep(200);
      expect(changes).toBe(after);
    } finally {
      clearInterval(busy);
    }
  });

  it('are noticed when the link that leads to them is swapped', async () => {
    for (const name of ['first', 'second']) writeFileSync(join(folder, name), 'same size');
    symlinkSync('first', file);
    watchIt();
    symlinkSync('second', join(folder, 'next'));
    renameSync(join(folder, 'next'), file);
    await seen(1);
  });

  it('are noticed when the folder behind the link is swapped, as a mount does it', async () => {
    for (const name of ['..one', '..two']) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'tls.crt'), name);
    }
    symlinkSync('..one', join(folder, '..data'));
    symlinkSync('..data/tls.crt', file);
    watchIt();
    symlinkSync('..two', join(folder, '..next'));
    renameSync(join(folder, '..next'), join(folder, '..data'));
    await seen(1);
  });

  it('are noticed when they come and go', async () => {
    watchIt();
    writeFileSync(file, 'there');
    await seen(1);
    rmSync(file);
    await seen(2);
  });
});
