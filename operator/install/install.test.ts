import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { chartFiles, DEFAULTS, disruptionBudget, manifests, PERMISSIONS } from './index.ts';

test.each(Object.entries(chartFiles()))('%s is the one that the table makes', (path, wanted) => {
  expect(readFileSync(join(import.meta.dirname, '../chart', path), 'utf8')).toBe(wanted);
});

const HAS_V1 =
  'ternary "policy/v1" "policy/v1beta1" (.Capabilities.APIVersions.Has "policy/v1/PodDisruptionBudget")';

test.each(['policy/v1', 'policy/v1beta1'])(
  'the chart with its own values makes the same objects, and a budget of %s where that is served',
  (version) => {
    const env = { WATCH_NAMESPACES: '', DNS_SERVERS: '', LOG_LEVEL: 'info' };
    const wanted = manifests({ ...DEFAULTS, env }).filter(({ kind }) => kind !== 'Namespace');
    expect(rendered(version)).toEqual([...wanted, disruptionBudget(DEFAULTS, version)]);
  },
);

test('the budget and the spread are those of the Deployment’s pods', () => {
  const workload = manifests().find(({ kind }) => kind === 'Deployment') as {
    spec: {
      replicas: number;
      template: {
        metadata: { labels: Record<string, string> };
        spec: { topologySpreadConstraints: { labelSelector: object; whenUnsatisfiable: string }[] };
      };
    };
  };
  const { replicas, template } = workload.spec;
  const { spec } = disruptionBudget(DEFAULTS, 'policy/v1') as {
    spec: { maxUnavailable: number; selector: { matchLabels: Record<string, string> } };
  };
  expect(template.metadata.labels).toMatchObject(spec.selector.matchLabels);
  expect(replicas - spec.maxUnavailable).toBeGreaterThanOrEqual(1);
  expect(template.spec.topologySpreadConstraints).toMatchObject([
    // A cluster of one node runs both all the same.
    {
      labelSelector: spec.selector,
      topologyKey: 'kubernetes.io/hostname',
      whenUnsatisfiable: 'ScheduleAnyway',
    },
  ]);
});

/** As much of Helm as the templates use. */
function rendered(budgetVersion: string): unknown[] {
  const values: Record<string, string> = {
    '.Release.Namespace': DEFAULTS.namespace,
    '.Values.image': DEFAULTS.image,
    '.Values.relayImage': DEFAULTS.relayImage,
    '.Values.replicas': String(DEFAULTS.replicas),
    '.Values.logLevel': 'info',
    [HAS_V1]: budgetVersion,
  };
  const text = chartFiles()['templates/operator.yaml']!.replaceAll(
    /\{\{ (.*?) \}\}/g,
    (_, expression: string) => {
      const [name, filter] = expression.split(' | ');
      const value = values[name!] ?? '';
      return filter === 'quote' ? JSON.stringify(value) : value;
    },
  );
  return parseAllDocuments(text).map((document) => document.toJS() as unknown);
}

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
