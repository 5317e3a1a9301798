import { describe, expect, it } from '@jest/globals';
import { parseConfig } from './config.ts';
import { RelayError } from './errors.ts';

const base = `
tls: {certFile: a, keyFile: b}
storage: {kind: embedded, directory: /data}
policy: {from: shards, directory: /mount}
`;

function failure(text: string): RelayError {
  try {
    parseConfig(text, 'relay.yaml');
  } catch (error) {
    if (error instanceof RelayError) return error;
  }
  throw new Error('expected a RelayError');
}

describe('relay.yaml', () => {
  it('fills in what is left out', () => {
    expect(parseConfig(base, 'relay.yaml')).toMatchObject({
      listen: { starttls: 2587, tls: 2465 },
      health: { port: 9090 },
      graceSeconds: 25,
    });
  });

  it.each([
    ['nothing at all', '', '(root)'],
    ['a missing part', base.replace(/^tls.*$/m, ''), 'tls'],
    ['a wrong kind of storage', base.replace('embedded', 'tape'), 'storage.kind'],
    ['a port that is none', `${base}listen: {tls: many}`, 'listen.tls'],
  ])('names file and field in one line: %s', (_, text, field) => {
    const error = failure(text);
    expect(error.code).toBe('R_CONFIG_INVALID');
    expect(error.message).toMatch(/^relay\.yaml: /);
    expect(error.message).toContain(field);
    expect(error.message).not.toContain('\n');
  });
});
