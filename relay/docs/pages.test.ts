import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { ERRORS } from '../errors.ts';
import { createMetrics } from '../metrics.ts';
import { REPLIES } from '../session/replies.ts';
import { pages } from './pages.ts';

describe('reference pages', () => {
  it.each(['docs/errors.md', 'docs/reference/metrics.md', 'docs/reference/relay-admin.openapi.json'])(
    '%s says what the tables say',
    async (path) => {
      const file = new URL(`../../${path}`, import.meta.url);
      expect(readFileSync(file, 'utf8')).toBe((await pages()).get(path));
    },
  );

  it('hold every error, reply and metric', async () => {
    const errors = (await pages()).get('docs/errors.md') ?? '';
    for (const code of Object.keys(ERRORS)) expect(errors).toContain(`\`${code}\``);
    for (const { code, enhanced } of Object.values(REPLIES))
      expect(errors).toContain(`\`${code} ${enhanced}\``);
    const metrics = (await pages()).get('docs/reference/metrics.md') ?? '';
    for (const { name } of await createMetrics().registry.getMetricsAsJSON()) {
      if (name.startsWith('migosmtp_')) expect(metrics).toContain(`\`${name}\``);
    }
  });

  it('hold metrics named by the conventions: base units, counters that end in _total', async () => {
    for (const { name, type, help } of await createMetrics().registry.getMetricsAsJSON()) {
      if (!name.startsWith('migosmtp_')) continue;
      expect(name).toMatch(/^migosmtp_relay_[a-z]+(_[a-z]+)*$/);
      expect(help).toMatch(/^[A-Z0-9].*\.$/);
      expect(name).not.toMatch(/_(ms|millis|mb|kb|minutes|hours|percent)(_|$)/);
      expect(name.endsWith('_total')).toBe(String(type) === 'counter');
    }
  });
});
