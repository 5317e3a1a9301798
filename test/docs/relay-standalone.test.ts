/** docs/relay-standalone.md: the file is one that the relay takes, and the verifier that its commands make lets its password in. */
import { execFileSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { relayApi } from '../../operator/api/index.ts';
import { parseConfig } from '../../relay/config.ts';
import { debianPackages } from '../cluster/index.ts';
import { PasswordChecker } from '../../relay/credentials/verify.ts';
import { blocksOf, readPages } from './pages.ts';

const page = readPages().filter(({ path }) => path === 'docs/relay-standalone.md');
const { policy } = parseConfig(blocksOf(page, 'yaml')[0]!.text, 'relay.yaml');

test('the file is taken', () => {
  expect(policy).toMatchObject({ from: 'inline', accounts: [{ username: 'app' }] });
});

test('every field stands on the page', () => {
  const text = page[0]!.text.replaceAll('`', '');
  const paths = fieldsOf(z.toJSONSchema(relayApi.relayProcessSchema, { io: 'input' }) as Node);
  expect(paths.length).toBeGreaterThan(20);
  const missing = paths.filter((path) => {
    const [top = '', name = ''] = path.split('.');
    return !text.includes(path) && !new RegExp(`${top}:[^]*?\\b${name}:`).test(text);
  });
  expect(missing).toEqual([]);
});

interface Node {
  properties?: Record<string, Node>;
  oneOf?: Node[];
}

/** Two levels; sessions have a page of their own. */
function fieldsOf({ properties = {} }: Node): string[] {
  return Object.entries(properties).flatMap(([name, node]) => {
    const parts = [node, ...(node.oneOf ?? [])].flatMap((part) => Object.keys(part.properties ?? {}));
    return name === 'sessions' || parts.length === 0 ? [name] : parts.map((part) => `${name}.${part}`);
  });
}

test('the verifier is one of the password', async () => {
  const script = blocksOf(page, 'sh')[1]!.text;
  const env = (await debianPackages(['openssl'])).env(process.env);
  const said = execFileSync('bash', ['-euo', 'pipefail', '-c', script], { encoding: 'utf8', env });
  const { password, salt, hash } = Object.fromEntries(
    said.split('\n').map((line) => [line.split(' ')[0]!, line.split(' ')[1] ?? '']),
  );
  const verifiers = [{ id: 'r1', algorithm: 'sha256' as const, salt: salt!, hash: hash! }];
  expect((await new PasswordChecker().check(verifiers, password!))?.id).toBe('r1');
  expect(await new PasswordChecker().check(verifiers, `${password}x`)).toBeUndefined();
});
