/** The example alert rules: metrics and labels that exist, a page for each. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { operatorMetrics } from '../../operator/docs/metrics.ts';
import { createMetrics } from '../../relay/metrics.ts';
import { readPages, ROOT } from './pages.ts';

interface Rule {
  alert: string;
  expr: string;
  for?: string;
  labels: { severity: string };
  annotations: { summary: string; runbook: string };
}

const file = join(ROOT, 'docs/monitoring/alerts.yaml');
const { groups } = parse(readFileSync(file, 'utf8')) as { groups: { name: string; rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);

/** Name as it is collected, and the labels of the metric. */
async function series(): Promise<Map<string, string[]>> {
  const { registry } = createMetrics();
  const relay = registry.getMetricsAsArray().map((metric) => {
    const { name, type, labelNames } = metric as unknown as {
      name: string;
      type: string;
      labelNames?: string[];
    };
    return { name, type, labels: labelNames ?? [] };
  });
  const all = [...relay, ...(await operatorMetrics())];
  return new Map(
    all.flatMap(({ name, type, labels }) =>
      type === 'histogram'
        ? ['_bucket', '_count', '_sum'].map((end): [string, string[]] => [name + end, [...labels, 'le']])
        : [[name, [...labels]] as [string, string[]]],
    ),
  );
}

test.each(rules.map((rule): [string, Rule] => [rule.alert, rule]))(
  '%s asks for metrics and labels that exist',
  async (_, rule) => {
    const known = await series();
    const asked = [...rule.expr.matchAll(/(migosmtp_\w+)(?:\{([^}]*)\})?/g)];
    expect(asked.length).toBeGreaterThan(0);
    for (const [, name = '', selector = ''] of asked) {
      expect([name, known.has(name)]).toEqual([name, true]);
      const labels = [...selector.matchAll(/(\w+)\s*(?:=|!)/g)].map(([, label]) => label!);
      const own = new Set([...(known.get(name) ?? []), 'namespace', 'pod']);
      expect(labels.filter((label) => !own.has(label))).toEqual([]);
    }
  },
);

test.each(rules.map((rule): [string, Rule] => [rule.alert, rule]))(
  '%s says what is wrong and has a page',
  (_, rule) => {
    const { summary, runbook } = rule.annotations;
    expect(summary).not.toBe('');
    expect(['page', 'ticket']).toContain(rule.labels.severity);
    expect([runbook, existsSync(join(ROOT, runbook.split('#')[0]!))]).toEqual([runbook, true]);
  },
);

test('every metric that a page names exists', async () => {
  const known = new Set([...(await series()).keys()].flatMap((name) => [name, name.replace(/_bucket$/, '')]));
  // Pages of the provider name its resources in this way.
  const pages = readPages().filter(({ path }) => !/^(docs\/provider|examples)\//.test(path));
  const named = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/\bmigosmtp_[a-z_]+/g)].map(([name]) => [path, name]),
  );
  expect(named.length).toBeGreaterThan(30);
  expect(named.filter(([, name = '']) => !known.has(name))).toEqual([]);
});

test('every alert of the runbooks is among the rules', () => {
  const table = readFileSync(join(ROOT, 'docs/runbooks/README.md'), 'utf8');
  const listed = [...table.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name);
  const known = rules.map(({ alert }) => alert);
  expect(new Set(listed)).toEqual(new Set(known));
});
