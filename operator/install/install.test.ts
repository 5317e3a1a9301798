import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { installFile, PERMISSIONS } from './index.ts';

test('the install file is the one that the table makes', () => {
  const file = join(import.meta.dirname, '../chart/install.yaml');
  expect(readFileSync(file, 'utf8')).toBe(installFile());
});

describe('permissions', () => {
  test('have no wildcard', () => {
    const words = PERMISSIONS.flatMap(({ group, resources, verbs }) => [group, ...resources, ...verbs]);
    expect(words).not.toContain('*');
  });

  test('never list or watch Secrets', () => {
    const verbs = PERMISSIONS.filter(({ resources }) => resources.includes('secrets')).flatMap(
      (row) => row.verbs,
    );
    expect(verbs).not.toEqual(expect.arrayContaining(['list']));
    expect(verbs).not.toEqual(expect.arrayContaining(['watch']));
  });
});
