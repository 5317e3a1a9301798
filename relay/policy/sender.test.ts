import { describe, expect, it } from '@jest/globals';
import { type Account, Directory } from './directory.ts';
import { decideSender } from './sender.ts';

function setup(allowedSenders: string[]): { directory: Directory; account: Account } {
  const account: Account = {
    id: 'a',
    namespace: 'shop',
    name: 'checkout',
    username: 'u',
    verifiers: [],
    allowedSenders,
    limits: { onWindowLimit: 'Queue' },
    suspended: false,
  };
  const domain = (name: string, workspaces: string[]) => ({
    id: name,
    domain: name,
    namespace: 'shop',
    name,
    workspaces,
    dkim: [],
  });
  const directory = new Directory();
  directory.replace(0, {
    accounts: [account],
    domains: [
      domain('shop.example', ['shop']),
      domain('xn--bcher-kva.example', ['shop']),
      domain('other.example', ['other']),
    ],
    workspaces: [],
  });
  return { directory, account };
}

const rows: [string, string[], string, boolean | string][] = [
  ['any address of a verified domain without a list', [], 'x@shop.example', true],
  ['upper case in the domain', [], 'x@SHOP.EXAMPLE', true],
  ['an internationalised domain in its Unicode form', [], 'x@bücher.example', true],
  ['a domain of another workspace', [], 'x@other.example', 'domain'],
  ['a subdomain', [], 'x@a.shop.example', 'domain'],
  ['a domain that only ends alike', [], 'x@evilshop.example', 'domain'],
  ['the null sender', [], '', 'null-sender'],
  ['no domain', [], 'x', 'malformed'],
  ['no local part', [], '@shop.example', 'malformed'],
  ['percent signs in the domain', [], 'x@shop%2eexample', 'malformed'],
  ['a slash in the domain', [], 'x@shop.example/other', 'malformed'],
  ['a listed address', ['a@shop.example'], 'A@shop.example', true],
  ['an unlisted address', ['a@shop.example'], 'b@shop.example', 'address'],
  ['a wildcard', ['*@shop.example'], 'b@shop.example', true],
  ['a wildcard of a domain that is not verified', ['*@other.example'], 'b@other.example', 'domain'],
  ['a star as local part of the sender', ['a@shop.example'], '*@shop.example', 'address'],
];

describe('sender', () => {
  it.each(rows)('decides %s', (_, allowed, address, expected) => {
    const { directory, account } = setup(allowed);
    const decision = decideSender(directory, account, address);
    expect(decision.allowed ? true : decision.why).toBe(expected);
  });

  it('forgets a domain that its part does not list any more', () => {
    const { directory, account } = setup([]);
    directory.replace(0, { accounts: [account], domains: [], workspaces: [] });
    expect(decideSender(directory, account, 'x@shop.example').allowed).toBe(false);
  });
});
