import { execFileSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import { toSevenBit } from './index.ts';

const FROM = 'From: a@shop.example\r\n';
const MIME = 'MIME-Version: 1.0\r\n';
const mixed = (...parts: string[]) =>
  `${FROM}${MIME}Content-Type: multipart/mixed; boundary="b"\r\nContent-Transfer-Encoding: 8bit\r\n\r\npreamble\r\n` +
  `${parts.map((part) => `--b\r\n${part}\r\n`).join('')}--b--\r\nepilogue\r\n`;
const TEXT = 'Content-Type: text/plain; charset=utf-8\r\n';
const EIGHT = 'Content-Transfer-Encoding: 8bit\r\n';
const WORDS = 'some words in front of ';
const utf8 = (text: string) => Buffer.from(text).toString('latin1');

async function convert(message: string): Promise<string | undefined> {
  const data = Buffer.from(message, 'latin1');
  const inline = await toSevenBit({ kind: 'inline', data });
  // Byte by byte and from the store it must be the same.
  const read = async function* () {
    for (let i = 0; i < data.length; i++) yield data.subarray(i, i + 1);
  };
  const stored = await toSevenBit({ kind: 'stored', read });
  if (!inline || !stored) {
    expect([inline, stored]).toEqual([undefined, undefined]);
    return undefined;
  }
  const { content } = inline;
  const result = content.kind === 'inline' ? Buffer.from(content.data).toString('latin1') : '';
  expect(await textOf(stored)).toBe(result);
  for (const { size, headerSize } of [inline, stored]) {
    expect(size).toBe(result.length);
    expect(headerSize).toBe(result.indexOf('\r\n\r\n') + 4);
  }
  return result;
}

async function textOf({ content }: NonNullable<Awaited<ReturnType<typeof toSevenBit>>>): Promise<string> {
  if (content.kind === 'inline') return Buffer.from(content.data).toString('latin1');
  const parts: Uint8Array[] = [];
  for await (const part of content.read()) parts.push(part);
  return Buffer.concat(parts).toString('latin1');
}

/** Type and decoded content of each leaf, as Python's reader has them. */
function leaves(message: string): unknown {
  const script = `
import email, email.policy, json, sys
message = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.compat32)
print(json.dumps([[part.get_content_type(), part.get_payload(decode=True).hex()]
  for part in message.walk() if not part.is_multipart()]))`;
  const output = execFileSync('python3', ['-c', script], { input: Buffer.from(message, 'latin1') });
  return JSON.parse(output.toString());
}

describe('8-bit content for a next hop that takes 7-bit only', () => {
  it('encodes text as quoted-printable and says so in place of 8bit', async () => {
    const text = utf8('Grüße = ok \r\n\r\n.\r\nFrom here\r\n');
    expect(await convert(`${FROM}${MIME}${TEXT}${EIGHT}Subject: s\r\n\r\n${text}`)).toBe(
      `${FROM}${MIME}${TEXT}Content-Transfer-Encoding: quoted-printable\r\nSubject: s\r\n\r\n` +
        'Gr=C3=BC=C3=9Fe =3D ok=20\r\n\r\n.\r\nFrom here\r\n',
    );
  });

  it('adds what a message without MIME lacks, with the charset that says nothing', async () => {
    expect(await convert(`${FROM}\r\nGr\xfc\xdfe\r\n`)).toBe(
      `${FROM}${MIME}Content-Type: text/plain; charset=unknown-8bit\r\n` +
        'Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=FC=DFe\r\n',
    );
  });

  it('changes no part that is 7-bit already, and labels the whole anew', async () => {
    const plain = `${TEXT}\r\nplain = text `;
    const encoded = `${TEXT}Content-Transfer-Encoding: base64\r\n\r\nw6Q=`;
    const result = await convert(mixed(plain, `${TEXT}${EIGHT}\r\n${WORDS}${utf8('ä')}`, encoded));
    const qp = 'Content-Transfer-Encoding: quoted-printable\r\n';
    const wanted = mixed(plain, `${TEXT}${qp}\r\n${WORDS}=C3=A4`, encoded);
    expect(result).toBe(wanted.replace(EIGHT, 'Content-Transfer-Encoding: 7bit\r\n'));
  });

  const nested = `Content-Type: message/rfc822\r\n\r\n${mixed(`${TEXT}${EIGHT}\r\n${utf8('ö\r\n')}`)
    .replaceAll('--b', '--c')
    .replace('"b"', 'c')}`;
  it.each([
    ['long lines', `${FROM}${MIME}${TEXT}${EIGHT}\r\n${utf8(`${'wörd '.repeat(150)}\r\n`.repeat(3))}`],
    [
      'lines of nothing but escapes',
      `${FROM}${MIME}${TEXT}\r\n${utf8(`${'x'.repeat(500)}${'ü'.repeat(60)}\r\n`)}`,
    ],
    ['text in another script', `${FROM}${MIME}${TEXT}${EIGHT}\r\n${utf8('Привет мир\r\n'.repeat(40))}`],
    [
      'a part that is no text',
      mixed(`Content-Type: application/x\r\n${EIGHT}\r\n${utf8('äöü\r\n\r\n'.repeat(30))}`),
    ],
    ['a label that is wrong', mixed(`${TEXT}Content-Transfer-Encoding: 7bit\r\n\r\n${utf8('ä')}`)],
    ['a message within the message', mixed(nested, `${TEXT}\r\n${utf8('é')}`)],
    ['a last delimiter that is missing', mixed(`${TEXT}\r\n${WORDS}${utf8('ä')}`).split('--b--')[0] ?? ''],
    ['no line end at the end', `${FROM}${MIME}${TEXT}\r\n${utf8('ä\r\nß')}`],
    ['white space behind a delimiter', mixed(`${TEXT}\r\n${utf8('ä')}`).replace('--b\r\n', '--b \t\r\n')],
  ])('keeps the content of %s, in lines of 76', async (_, message) => {
    const result = (await convert(message)) ?? '';
    // eslint-disable-next-line no-control-regex -- 7-bit is what is shown
    expect(result).toMatch(/^[\x00-\x7f]+$/);
    expect(Math.max(...result.split('\r\n').map(({ length }) => length))).toBeLessThanOrEqual(76);
    expect(leaves(result)).toEqual(leaves(message));
  });

  it('leaves what is signed as it is while it encodes the rest', async () => {
    const signed =
      'Content-Type: multipart/signed; protocol="application/pgp-signature"; boundary=s\r\n\r\n' +
      `--s\r\n${TEXT}${EIGHT}\r\nplain\r\n--s\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--s--`;
    const result = await convert(mixed(signed, `${TEXT}\r\n${WORDS}${utf8('ä')}`));
    expect(result).toContain(signed);
    expect(result).toContain('=C3=A4');
  });

  it.each([
    ['an 8-bit header field', `${FROM}Subject: \xfc\r\n${MIME}${TEXT}\r\n\xfc\r\n`],
    ['an 8-bit field of a part', mixed(`${TEXT}Content-Disposition: attachment; filename=\xfc\r\n\r\n\xfc`)],
    ['8-bit content that is signed', mixed(`${TEXT}\r\n\xfc`).replace('/mixed', '/signed')],
    ['8-bit content that is encrypted', mixed(`${TEXT}\r\n\xfc`).replace('/mixed', '/encrypted')],
    ['8-bit text before the first part', mixed(`${TEXT}\r\n\xfc`).replace('preamble', '\xfc')],
    ['an unknown encoding', `${FROM}${MIME}${TEXT}Content-Transfer-Encoding: x-gzip\r\n\r\n\xfc\r\n`],
    [
      '8-bit that says it is base64',
      `${FROM}${MIME}${TEXT}Content-Transfer-Encoding: base64\r\n\r\n\xfc\r\n`,
    ],
    ['an encoded multipart', mixed(`${TEXT}\r\n\xfc`).replace('8bit', 'base64')],
    ['a multipart without a boundary', mixed(`${TEXT}\r\n\xfc`).replace('; boundary="b"', '')],
    ['two Content-Type', `${FROM}${TEXT}${TEXT}\r\n\xfc\r\n`],
    ['a report that must be 7-bit', mixed('Content-Type: message/delivery-status\r\n\r\nx: \xfc')],
    ['a part whose header is none', mixed('what is this\r\n\r\n\xfc')],
  ])('does not touch a message with %s', async (_, message) => {
    expect(await convert(message)).toBeUndefined();
  });
});
