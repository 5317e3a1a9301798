import { readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { debianPackages } from '../../cluster/index.ts';
import { must } from '../../cluster/run.ts';

test('a package is complete in each set that it belongs to, and runs at its real path', async () => {
  const alone = await debianPackages(['nsd']);
  const together = await debianPackages(['nsd', 'ldnsutils']);
  for (const packages of [alone, together]) {
    expect(await must(packages.wrap(['sh', '-c', 'nsd -v 2>&1; which nsd']))).toMatch(
      /NSD version[\s\S]*\/usr\/sbin\/nsd/,
    );
  }
  expect(await must([together.bin('drill'), '-v'], { env: together.env() })).toContain('drill version');
}, 120_000);

test('files that a package ships in /bin are found in /usr/bin, as on the machine', async () => {
  const packages = await debianPackages(['ed']);
  expect(await readlink(join(packages.root, 'bin'))).toBe('usr/bin');
  expect(packages.bin('ed')).toMatch(/\/usr\/bin\/ed$/);
}, 120_000);

test('a package that does not exist is named in the error', async () => {
  await expect(debianPackages(['no-such-package-here'])).rejects.toThrow('no-such-package-here');
}, 120_000);
