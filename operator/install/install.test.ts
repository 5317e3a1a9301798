import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { chartFiles, DEFAULTS, manifests, PERMISSIONS } from './index.ts';

test.each(Object.entries(chartFiles()))('%s is the one that the table makes', (path, wanted) => {
  expect(readFileSync(join(import.meta.dirname, '../chart', path), 'utf8')).toBe(wanted);
});

test('the chart with its own values makes the same objects', () => {
  const values: Record<string, string> = {
    '.Release.Namespace': DEFAULTS.namespace,
    '.Values.image': DEFAULTS.image,
    '.Values.relayImage': DEFAULTS.relayImage,
    '.Values.replicas': String(DEFAULTS.replicas),
    '.Values.logLevel': 'info',
  };
  // As much of Helm as the templates use.
  const rendered = chartFiles()['templates/operator.yaml']!.replaceAll(
    /\{\{ (.*?) \}\}/g,
    (_, expression: string) => {
      const [name, filter] = expression.split(' | ');
      const value = values[name!] ?? '';
      return filter === 'quote' ? JSON.stringify(value) : value;
    },
  );
  const env = { WATCH_NAMESPACES: '', DNS_SERVERS: '', LOG_LEVEL: 'info' };
  const wanted = manifests({ ...DEFAULTS, env }).filter(({ kind }) => kind !== 'Namespace');
  expect(parseAllDocuments(rendered).map((document) => document.toJS() as unknown)).toEqual(wanted);
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
