import { describe, expect, test } from '@jest/globals';
import { TlsSessions } from './tls-sessions.ts';

const session = (name: string): Buffer => Buffer.from(name);

describe('sessions of a peer', () => {
  test('one is resumed for two seconds after its full handshake', () => {
    let now = 0;
    const sessions = new TlsSessions(() => now);
    sessions.keep('a', session('first'), false);
    now = 1_999;
    expect(sessions.find('a')).toEqual(session('first'));
    now = 2_000;
    expect(sessions.find('a')).toBeUndefined();
  });

  test('resuming does not make it younger', () => {
    let now = 0;
    const sessions = new TlsSessions(() => now);
    sessions.keep('a', session('first'), false);
    now = 1_500;
    sessions.keep('a', session('second'), true);
    expect(sessions.find('a')).toEqual(session('second'));
    now = 2_500;
    expect(sessions.find('a')).toBeUndefined();
    sessions.keep('a', session('third'), true);
    expect(sessions.find('a')).toBeUndefined();
  });

  test('each peer has its own', () => {
    const sessions = new TlsSessions(() => 0);
    sessions.keep('a', session('first'), false);
    expect(sessions.find('b')).toBeUndefined();
  });
});
