/** docs/relay-smtp.md names every limit of a session with the default that it has. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { relayApi } from '@migosmtp/operator/api';

it('documents each limit of a session with its default', () => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/relay-smtp.md'), 'utf8');
  const rows = [...text.matchAll(/^\| `(\w+)` +\| (\d+) +\|/gm)];
  const documented = Object.fromEntries(rows.map(([, field, value]) => [field, Number(value)]));
  expect(documented).toEqual(relayApi.sessionLimitsSchema.parse({}));
});
