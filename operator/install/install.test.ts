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

const env = { WATCH_NAMESPACES: '', DNS_SERVERS: '', LOG_LEVEL: 'info' };

test.each(['policy/v1', 'policy/v1beta1'])(
  'the chart with its own values makes the same objects, and a budget of %s where that is served',
  (version) => {
    const wanted = manifests({ ...DEFAULTS, env }).filter(({ kind }) => kind !== 'Namespace');
    const objects = [...wanted, disruptionBudget(DEFAULTS, version)];
    expect(inOrder(rendered(version, []))).toEqual(inOrder(objects));
  },
);

test('the chart with namespaces binds rights in these and its own, as the manifests do, and nowhere else', () => {
  const watchNamespaces = ['shop', 'blog'];
  const settings = { ...DEFAULTS, watchNamespaces, env: { ...env, WATCH_NAMESPACES: 'shop,blog' } };
  const wanted = manifests(settings).filter(({ kind }) => kind !== 'Namespace');
  const objects = [...wanted, disruptionBudget(DEFAULTS, 'policy/v1')];
  expect(inOrder(rendered('policy/v1', watchNamespaces))).toEqual(inOrder(objects));
  const everywhere = wanted.filter(({ kind }) => kind === 'ClusterRoleBinding') as {
    roleRef: { name: string };
  }[];
  expect(everywhere.map(({ roleRef }) => roleRef.name)).toEqual(['migosmtp-operator']);
  const cluster = PERMISSIONS.filter(({ scope }) => scope === 'cluster').flatMap(
    ({ resources }) => resources,
  );
  expect(cluster.toSorted()).toEqual(['namespaces', 'subjectaccessreviews', 'tokenreviews']);
});

/** Objects of an installation have no order. */
function inOrder(objects: readonly unknown[]): unknown[] {
  const nameOf = (object: unknown): string => {
    const { kind, metadata } = object as { kind: string; metadata: { name: string; namespace?: string } };
    return `${kind}/${metadata.namespace ?? ''}/${metadata.name}`;
  };
  return objects.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}

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
function rendered(budgetVersion: string, watchNamespaces: readonly string[]): unknown[] {
  const { namespace, image, relayImage, replicas } = DEFAULTS;
  const values: Record<string, string> = {
    '.Release.Namespace': namespace,
    '$.Release.Namespace': namespace,
    '.Values.image': image,
    '.Values.relayImage': relayImage,
    '.Values.replicas': String(replicas),
    '.Values.logLevel': 'info',
    'join "," .Values.watchNamespaces': watchNamespaces.join(','),
    [HAS_V1]: budgetVersion,
  };
  const block =
    /\{\{- if \.Values\.watchNamespaces \}\}\n\{\{- range append \.Values\.watchNamespaces \.Release\.Namespace \| uniq \}\}\n(?<each>.*)\{\{- end \}\}\n\{\{- else \}\}\n(?<otherwise>.*)\{\{- end \}\}\n/s;
  const text = chartFiles()['templates/operator.yaml']!.replace(block, (...args) => {
    const { each, otherwise } = args.at(-1) as { each: string; otherwise: string };
    const homes = [...new Set([...watchNamespaces, namespace])];
    return watchNamespaces.length === 0
      ? otherwise
      : homes.map((home) => each.replaceAll('{{ . | quote }}', JSON.stringify(home))).join('');
  });
  const filled = text.replaceAll(/\{\{ (.*?) \}\}/g, (_, expression: string) => {
    const [name, filter] = expression.split(' | ');
    const value = values[name!] ?? '';
    return filter === 'quote' ? JSON.stringify(value) : value;
  });
  return parseAllDocuments(filled).map((document) => document.toJS() as unknown);
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
