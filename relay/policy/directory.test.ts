import { describe, expect, it } from '@jest/globals';
import { type Account, Directory } from './directory.ts';

const account = (id: string, username: string): Account => ({
  id,
  namespace: 'shop',
  name: id,
  username,
  verifiers: [],
  allowedSenders: [],
  limits: { onWindowLimit: 'Queue' },
  suspended: false,
});

const part = (...accounts: Account[]) => ({ accounts, domains: [], workspaces: [] });

describe('directory', () => {
  it('finds accounts by username in any case', () => {
    const directory = new Directory();
    directory.replace(3, part(account('a', 'SmtpUser_1')));
    expect(directory.accountByUsername('smtpuser_1')?.id).toBe('a');
  });

  it('drops what a part does not list any more and keeps the other parts', () => {
    const directory = new Directory();
    directory.replace(1, part(account('a', 'one'), account('b', 'two')));
    directory.replace(2, part(account('c', 'three')));
    directory.replace(1, part(account('b', 'two')));
    expect(directory.accountByUsername('one')).toBeUndefined();
    expect(directory.accountById('b')?.username).toBe('two');
    expect(directory.accountById('c')?.username).toBe('three');
    expect(directory.accountCount).toBe(2);
  });

  it('keeps an account that moved to another part when its old part forgets it', () => {
    const directory = new Directory();
    directory.replace(1, part(account('a', 'one')));
    directory.replace(2, part(account('a', 'one')));
    directory.replace(1, part());
    expect(directory.accountById('a')).toBeDefined();
  });
});
