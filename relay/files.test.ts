import { afterEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
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
      await seen(1);
      const before = changes;
      writeFileSync(file, 'two');
      await seen(before + 1);
      const after = changes;
      // Ten times as long as one look takes: the log alone brings no further one.
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

  it('are noticed when they come and go', async () => {
    watchIt();
    writeFileSync(file, 'there');
    await seen(1);
    rmSync(file);
    await seen(2);
  });
});
