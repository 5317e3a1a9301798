import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const start = (...args: string[]) =>
  spawnSync(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], { encoding: 'utf8' });

test('--help names every setting that the installation page names', () => {
  const { status, stdout } = start('--help');
  const page = readFileSync(join(import.meta.dirname, '../docs/install.md'), 'utf8');
  const settings = [...page.matchAll(/`((?!R_)[A-Z][A-Z_]+)`/g)].map(([, name]) => name!);
  expect(settings.length).toBeGreaterThan(5);
  expect([status, settings.filter((name) => !stdout.includes(name))]).toEqual([0, []]);
});

test('an argument that it does not know starts nothing', () => {
  const { status, stderr } = start('--namespace', 'shop');
  expect(status).toBe(2);
  expect(stderr).toMatch(/takes no arguments/);
});
