/** Signatures with every key of the sender's domain, checked by Debian's python3-dkim. */
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { relayApi } from '@migosmtp/operator/api';
import { debianPackages } from '../../cluster/debian.ts';
import { Dialogue, simpleMessage } from './support/dialogue.ts';
import { allShards, startRelay, type TestRelay } from './support/relay.ts';
import { type Sink, startSink } from './support/sink.ts';

/** Prints one line for each signature: its algorithm and whether it holds. */
const VERIFY = `
import dkim, sys, json
records = {k.encode(): v.encode() for k, v in json.loads(sys.argv[1]).items()}
raw = sys.stdin.buffer.read()
find = lambda name, timeout=5: records.get(name if isinstance(name, bytes) else name.encode())
message = dkim.DKIM(raw)
count = sum(1 for name, _ in message.headers if name.lower() == b'dkim-signature')
for i in range(count):
    d = dkim.DKIM(raw)
    ok = d.verify(idx=i, dnsfunc=find)
    print(d.signature_fields[b'a'].decode(), ok)
`;

function key(selector: string, keyType: relayApi.DkimKey['keyType']) {
  const pair =
    keyType === 'Ed25519'
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  const spki = pair.publicKey.export({ type: 'spki', format: 'der' });
  // RFC 8463: the raw 32 bytes, which end the SPKI.
  const p = (keyType === 'Ed25519' ? spki.subarray(-32) : spki).toString('base64');
  const record = `v=DKIM1; k=${keyType === 'Ed25519' ? 'ed25519' : 'rsa'}; p=${p}`;
  const privateKeyPem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { selector, record, key: { selector, keyType, privateKeyPem } };
}

describe('DKIM', () => {
  let sink: Sink;
  let relay: TestRelay;
  let env: NodeJS.ProcessEnv;
  const keys = [key('r1', 'RSA2048'), key('e1', 'Ed25519')];
  const records = Object.fromEntries(
    keys.map(({ selector, record }) => [`${selector}._domainkey.shop.example.`, record]),
  );

  beforeAll(async () => {
    env = (await debianPackages(['python3-dkim', 'python3-nacl', 'python3-dnspython'])).env();
    sink = await startSink();
    relay = await startRelay({ smarthostPort: sink.port });
    const domain = { dkim: keys.map((entry) => entry.key) };
    await relay.push(...allShards({ smarthostPort: sink.port }, { revision: 2, domain }));
  }, 300_000);

  afterAll(async () => {
    await relay.stop();
    await sink.close();
  });

  function verify(data: Buffer): Promise<string> {
    return new Promise((resolve, reject) => {
      const child = execFile(
        'python3',
        ['-c', VERIFY, JSON.stringify(records)],
        { env },
        (error, stdout, stderr) => (error ? reject(new Error(stderr)) : resolve(stdout)),
      );
      child.stdin?.end(data);
    });
  }

  const long = `${'word '.repeat(150)}\r\n`.repeat(20);
  it.each([
    ['a plain message', simpleMessage()],
    ['an empty body', simpleMessage({}, '')],
    ['white space and empty lines at the end', simpleMessage({}, 'a  b\t c \r\n\r\n \r\n\r\n')],
    [
      'folded and odd headers',
      simpleMessage({ Subject: 'a\r\n  b \tc', To: ' x@example.com ,\r\n\ty@example.com' }),
    ],
    ['dots', simpleMessage({}, '..\r\n..x\r\n')],
    [
      '8-bit text',
      simpleMessage(
        { Subject: Buffer.from('Grüße').toString('latin1') },
        Buffer.from('ä\r\n').toString('latin1'),
      ),
    ],
    ['a body kept in a file', simpleMessage({}, long.repeat(25))],
  ])('signs %s with RSA and Ed25519', async (_, data) => {
    const before = sink.received.length;
    const dialogue = await Dialogue.loggedIn(relay);
    expect(await dialogue.send({ data })).toMatch(/^250 /);
    await sink.waitFor(before + 1);
    const message = sink.received.at(-1)?.data ?? Buffer.alloc(0);
    expect((await verify(message)).split('\n').toSorted()).toEqual([
      '',
      'ed25519-sha256 True',
      'rsa-sha256 True',
    ]);
    const changed = Buffer.from(message.toString('latin1').replace(/^Subject: /m, 'Subject: x'), 'latin1');
    expect(await verify(changed)).not.toContain('True');
    dialogue.close();
  });

  it('signs what was converted for a next hop without 8BITMIME', async () => {
    const plain = await startSink();
    plain.script = { ehlo: ['SIZE'] };
    const domain = { dkim: keys.map((entry) => entry.key) };
    await relay.push(...allShards({ smarthostPort: plain.port }, { revision: 3, domain }));
    const dialogue = await Dialogue.loggedIn(relay);
    const data = simpleMessage({}, Buffer.from('Some words, then Grüße\r\n').toString('latin1'));
    expect(await dialogue.send({ data })).toMatch(/^250 /);
    await plain.waitFor(1);
    const message = plain.received[0]?.data ?? Buffer.alloc(0);
    expect(message.toString('latin1')).toContain('\r\nSome words, then Gr=C3=BC=C3=9Fe\r\n');
    expect((await verify(message)).split('\n').toSorted()).toEqual([
      '',
      'ed25519-sha256 True',
      'rsa-sha256 True',
    ]);
    dialogue.close();
    await plain.close();
  });
});
