import { describe, expect, test } from '@jest/globals';
import { findSecrets, scanFaults, writtenForms } from './secret-scan.ts';

const password = 'k7Qm2Zr9Xw4Tn8Lb3Vc6Hd1Jf5Gp0SaY';

describe('the search for passwords', () => {
  test.each([0, 1, 2, 3, 4, 5])('finds one in base64 after %d other bytes', (count) => {
    const text = Buffer.from(`${'x'.repeat(count)}${password}yy`).toString('base64');
    expect(findSecrets([{ name: 'here', text }], [password])).toHaveLength(1);
  });

  test('finds one in a URL', () => {
    const odd = 'p/s?s w%rd-of-a-brought-kind';
    const text = `smtp://user:${encodeURIComponent(odd)}@host`;
    expect(findSecrets([{ name: 'here', text }], [odd])).toEqual([
      { place: 'here', what: 'password 1, URL-encoded' },
    ]);
  });

  test('writes no password into its findings', () => {
    expect(JSON.stringify(findSecrets([{ name: 'here', text: password }], [password]))).not.toContain(
      password,
    );
  });

  test('says when a place was not really read', () => {
    expect(scanFaults([{ name: 'log', text: 'nothing', control: 'username' }], password)).toEqual([
      'log: the control "username" is not in it, so it was not really read',
    ]);
  });

  test('leaves other text alone', () => {
    const text = Buffer.from('another value of about that length').toString('base64');
    expect(findSecrets([{ name: 'here', text }], [password])).toEqual([]);
    expect(writtenForms(password).every((form) => form.text.length >= 30)).toBe(true);
  });
});
