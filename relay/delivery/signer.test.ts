import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pino from 'pino';
import type { SigningKey } from './dkim.ts';
import { Signer } from './signer.ts';
import type { Content } from './target.ts';

const HEADER = 'From: a@shop.example\r\nSubject: one\r\n folded\r\n\r\n';
const BODY = Array.from({ length: 20 }, (_, i) => `line ${i}  with blanks \t \r\n`).join('');

describe('signer', () => {
  let signer: Signer;
  let key: SigningKey;

  beforeAll(() => {
    signer = new Signer(pino({ level: 'silent' }));
    const { privateKey } = generateKeyPairSync('ed25519');
    const privateKeyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    key = { selector: 's', domain: 'shop.example', keyType: 'Ed25519', privateKeyPem };
  });

  afterAll(() => signer.stop());

  const message = Buffer.from(HEADER + BODY, 'latin1');
  const stored = (size: number): Content => ({
    kind: 'stored',
    async *read() {
      for (let i = 0; i < message.length; i += size) yield message.subarray(i, i + size);
    },
  });
  const sign = (content: Content) => signer.sign(content, HEADER.length, [key]);
  const timeOf = (fields: string) => /\tt=(\d+);/.exec(fields)?.[1];

  it.each([1, 7, HEADER.length, HEADER.length + 1, 300, 1_000_000])(
    'signs what comes in parts of %d bytes as it signs the whole',
    async (size) => {
      // Signatures hold the time in seconds: those made in the same one are equal to the last byte.
      for (let attempt = 0; attempt < 10; attempt++) {
        const [whole, parts] = await Promise.all([
          sign({ kind: 'inline', data: message }),
          sign(stored(size)),
        ]);
        if (timeOf(whole) !== timeOf(parts)) continue;
        expect(parts).toMatch(/bh=/);
        expect(parts).toBe(whole);
        return;
      }
      throw new Error('never two within a second');
    },
  );

  it('rejects where the content cannot be read, and signs the next message', async () => {
    const broken: Content = {
      kind: 'stored',
      async *read() {
        yield message.subarray(0, 10);
        throw new Error('gone');
      },
    };
    await expect(sign(broken)).rejects.toThrow('gone');
    expect(await sign(stored(64))).toContain('bh=');
  });
});
