import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { EVENT_TYPES } from './events.ts';

it('docs/reference/webhooks.md names every event and its type', () => {
  const text = readFileSync(new URL('../../docs/reference/webhooks.md', import.meta.url), 'utf8');
  for (const [event, type] of Object.entries(EVENT_TYPES)) {
    expect(text).toMatch(new RegExp(`^\\| \`${event}\` +\\| \`${type.replace('.', '\\.')}\` +\\|`, 'm'));
  }
});
