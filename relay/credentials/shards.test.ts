import { describe, expect, it } from '@jest/globals';
import { relayApi } from '@migosmtp/operator/api';
import { parseNewer, parseShard, ShardTable } from './shards.ts';

const shard = (index: number, revision: number, uid = 'u'): relayApi.Shard => ({
  format: 1,
  relay: { namespace: 'mail', name: 'relay', uid },
  shard: index,
  revision,
  accounts: [],
  domains: [],
  workspaces: [],
});

describe('shard table', () => {
  it('takes only higher revisions, but any of another relay object', () => {
    const table = new ShardTable();
    expect(table.isNewer(shard(4, 7))).toBe(true);
    table.set(shard(4, 7));
    expect(table.isNewer(shard(4, 7))).toBe(false);
    expect(table.isNewer(shard(4, 6))).toBe(false);
    expect(table.isNewer(shard(4, 8))).toBe(true);
    expect(table.isNewer(shard(4, 1, 'another'))).toBe(true);
    expect(table.applied()).toEqual({ '4': 7 });
    expect(table.missing()).toHaveLength(relayApi.SHARD_COUNT - 1);
  });
});

describe('parsing a shard', () => {
  it('ignores keys that a later release writes', () => {
    expect(parseShard(JSON.stringify({ ...shard(1, 2), later: true }), 'test').revision).toBe(2);
  });

  it.each([
    ['broken JSON', '{"privateKeyPem": "SECRET', 'not valid JSON'],
    ['a later format', JSON.stringify({ ...shard(1, 2), format: 99 }), 'format'],
    ['a wrong type', JSON.stringify({ ...shard(1, 2), accounts: 'SECRET' }), 'accounts'],
  ])('names source and field of %s, and never a value', (_, text, expected) => {
    const parse = () => parseShard(text, 'mount 1');
    expect(parse).toThrow(/^shard document mount 1 is not usable: /);
    expect(parse).toThrow(expected);
    expect(parse).not.toThrow('SECRET');
  });
});

describe('parsing what is newer', () => {
  const table = new ShardTable();
  table.set(shard(1, 5));

  it.each([
    ['the revision that is held', shard(1, 5), undefined],
    ['an earlier one', shard(1, 4), undefined],
    ['a later one', shard(1, 6), 6],
    ['one of another relay object', shard(1, 1, 'another'), 1],
    ['one of another shard', shard(2, 3), 3],
  ])('%s', (_, document, revision) => {
    expect(parseNewer(JSON.stringify(document), 'test', table)?.revision).toBe(revision);
  });

  it('checks the rest of what is newer', () => {
    const document = JSON.stringify({ ...shard(1, 6), accounts: 'SECRET' });
    expect(() => parseNewer(document, 'mount 1', table)).toThrow('accounts');
  });
});
