/** What a plan shows as "known after apply": what the change may touch, and nothing else. */
import { expect, it } from '@jest/globals';
import { isUnknown, object, plan, type Value, type ValueObject } from '../core/index.ts';
import { createProvider } from './provider.ts';

const { resources } = createProvider({});
const value = (members: Record<string, Value>): ValueObject => object(Object.entries(members));

/** A state in which everything computed has a value, but for what is null by intent. */
function stateOf(type: string, stated: Record<string, Value>): ValueObject {
  const attributes = Object.entries(resources[type]?.schema.attributes ?? {});
  return value({
    ...Object.fromEntries(
      attributes.map(([name, { computed, default: standard }]) => [
        name,
        computed ? (standard ?? `the ${name}`) : null,
      ]),
    ),
    ...stated,
  });
}

/** Names of what is unknown after a change of some arguments. */
function unknownAfter(type: string, before: Record<string, Value>, after: Record<string, Value>): string[] {
  const schema = resources[type]?.schema;
  if (schema === undefined) throw new Error(`no resource ${type}`);
  const prior = stateOf(type, before);
  const proposed = value({ ...prior, ...after });
  const config = object(
    Object.entries(proposed).map(([name, item]) => [name, schema.attributes[name]?.computed ? null : item]),
  );
  const { planned } = plan(schema, { prior, proposed, config });
  return Object.keys(planned).filter((name) => isUnknown(planned[name]));
}

const ACCOUNT = 'migosmtp_smtp_account';
const DOMAIN = 'migosmtp_verified_domain';
const rotation = (revision: number, overlap: string | null = null) =>
  value({ revision, interval: null, overlap, reset_revision: null });
const dkim = (type: string) => value({ key_type: type, selector_prefix: null, rotation_interval: null });

it.each<
  [what: string, type: string, before: Record<string, Value>, after: Record<string, Value>, unknown: string[]]
>([
  ['a limit of an account', ACCOUNT, {}, { limits: value({ per_day: 1 }) }, []],
  ['labels of its Secret', ACCOUNT, {}, { secret: value({ labels: value({ a: 'b' }) }) }, []],
  ['the name of its Secret', ACCOUNT, {}, { secret: value({ name: 'x' }) }, ['secret_name']],
  ['its rotation', ACCOUNT, { rotation: rotation(1) }, { rotation: rotation(2) }, ['credentials_revision']],
  ['an overlap', ACCOUNT, { rotation: rotation(1) }, { rotation: rotation(1, '1h') }, []],
  [
    'a new password of your own',
    ACCOUNT,
    { password_wo_version: 1 },
    { password_wo_version: 2 },
    ['credentials_revision'],
  ],
  ['suspending', ACCOUNT, {}, { suspended: true }, []],
  [
    'resuming what was born suspended',
    ACCOUNT,
    { suspended: true, username: null, secret_name: null, credentials_revision: null },
    { suspended: null },
    ['username', 'secret_name', 'credentials_revision'],
  ],
  ['what a domain needs to be Ready', DOMAIN, {}, { spf: 'Ignore', dmarc: 'Required' }, []],
  [
    'the keys of a domain',
    DOMAIN,
    { dkim: dkim('RSA2048') },
    { dkim: dkim('Both') },
    ['dns_records', 'dkim_record', 'dkim_ed25519_record', 'dkim_next_record'],
  ],
  ['a plan', 'migosmtp_plan_limit', { plan: '10k' }, { plan: '20k' }, ['hard']],
  ['the pods of a relay', 'migosmtp_smtp_relay', { replicas: 1 }, { replicas: 2 }, ['current_replicas']],
])('%s', (_what, type, before, after, unknown) => {
  expect(unknownAfter(type, before, after).toSorted()).toEqual(unknown.toSorted());
});

it.each(Object.keys(resources).filter((type) => resources[type]?.schema.attributes['labels']))(
  'a label of %s',
  (type) => {
    expect(unknownAfter(type, {}, { labels: value({ a: 'b' }) })).toEqual([]);
  },
);
