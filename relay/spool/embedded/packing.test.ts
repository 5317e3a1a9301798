import { expect, test } from '@jest/globals';
import type { NewMessage } from '../types.ts';
import { pack, unpack } from './packing.ts';
import type { Operation } from './protocol.ts';

const message: NewMessage = {
  queueId: '0Q',
  messageId: '<1@shop.example>',
  kind: 'submission',
  accountId: 'uid',
  namespace: 'shop',
  account: 'orders',
  username: 'smtpuser_1',
  verifier: 'v1',
  envelopeFrom: 'orders@shop.example',
  signingDomain: 'shop.example',
  headerSize: 3,
  size: 5,
  eightBit: true,
  smtpUtf8: false,
  dsn: { ret: 'FULL', envid: 'e', recipients: { 'a@b.example': { notify: ['DELAY'], orcpt: null } } },
  acceptedAt: 7,
  recipients: ['a@b.example', 'c@d.example'],
  body: { kind: 'inline', data: Buffer.from('first') },
  lifetimeMs: 9,
};

function accept(changes: Partial<NewMessage>): Operation {
  return {
    method: 'accept',
    args: [
      { ...message, ...changes },
      { scopes: [], claim: true },
    ],
  };
}

function sent(operations: readonly Operation[]): Operation[] {
  const packed = pack(operations);
  return unpack(structuredClone(packed, { transfer: packed.bytes ? [packed.bytes.buffer] : [] }));
}

/** With bodies as text: the kind of array is nobody's concern. */
function readable(operations: readonly Operation[]) {
  return operations.map((operation) => {
    if (operation.method !== 'accept') return operation;
    const [{ body, ...rest }, options] = operation.args;
    return { ...rest, options, body: body.kind === 'inline' ? Buffer.from(body.data).toString() : body };
  });
}

test('a batch arrives as it was sent, each message with its own body', () => {
  const { dsn: _, ...withoutDsn } = message;
  const operations: Operation[] = [
    accept({}),
    { method: 'counts', args: [[{ key: 'a:1', kind: 'day', startMs: 1 }]] },
    accept({ queueId: '1Q', body: { kind: 'file', name: '1Q' } }),
    { method: 'accept', args: [withoutDsn, { scopes: [], claim: false }] },
    accept({ queueId: '2Q', body: { kind: 'inline', data: new Uint8Array() } }),
    accept({ queueId: '3Q', body: { kind: 'inline', data: Buffer.from('the last') } }),
  ];
  expect(readable(sent(operations))).toEqual(readable(operations));
});

test('what the caller keeps of a body stays readable', () => {
  const data = Buffer.from('kept');
  sent([accept({ body: { kind: 'inline', data } })]);
  expect(data.toString()).toBe('kept');
});
