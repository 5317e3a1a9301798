/**
 * A batch on its way to the worker. Cloning a message's object costs more than what it says: its values go as a row,
 * and the bodies of a batch as one piece of memory that changes hands without a copy.
 */
import type { AcceptOptions, Body, NewMessage } from '../types.ts';
import type { Operation } from './protocol.ts';

export interface Packed {
  readonly operations: readonly (Operation | AcceptRow)[];
  /** Of all inline bodies, one after the other; undefined where there is none. */
  readonly bytes: Uint8Array<ArrayBuffer> | undefined;
}

/** In the order of `pack`; a body is its length in `Packed.bytes` or the name of its file. */
type AcceptRow = readonly [
  body: number | string,
  strings: readonly string[],
  recipients: readonly string[],
  headerSize: number,
  size: number,
  eightBit: boolean,
  smtpUtf8: boolean,
  acceptedAt: number,
  lifetimeMs: number,
  dsn: NewMessage['dsn'],
  options: AcceptOptions,
];

export function pack(operations: readonly Operation[]): Packed {
  const bodies: Uint8Array[] = [];
  const packed = operations.map((operation) => {
    if (operation.method !== 'accept') return operation;
    const [message, options] = operation.args;
    if (message.body.kind === 'inline') bodies.push(message.body.data);
    return toRow(message, options);
  });
  return { operations: packed, bytes: bodies.length > 0 ? joined(bodies) : undefined };
}

export function unpack({ operations, bytes }: Packed): Operation[] {
  let at = 0;
  const take = (body: number | string): Body => {
    if (typeof body === 'string') return { kind: 'file', name: body };
    const data = bytes?.subarray(at, at + body) ?? new Uint8Array();
    at += body;
    return { kind: 'inline', data };
  };
  return operations.map((operation) => ('method' in operation ? operation : toAccept(operation, take)));
}

function toRow(message: NewMessage, options: AcceptOptions): AcceptRow {
  const { body } = message;
  return [
    body.kind === 'inline' ? body.data.length : body.name,
    [
      message.queueId,
      message.messageId,
      message.kind,
      message.accountId,
      message.namespace,
      message.account,
      message.username,
      message.verifier,
      message.envelopeFrom,
      message.signingDomain,
    ],
    message.recipients,
    message.headerSize,
    message.size,
    message.eightBit,
    message.smtpUtf8,
    message.acceptedAt,
    message.lifetimeMs,
    message.dsn,
    options,
  ];
}

function toAccept(row: AcceptRow, take: (body: number | string) => Body): Operation {
  const [
    body,
    strings,
    recipients,
    headerSize,
    size,
    eightBit,
    smtpUtf8,
    acceptedAt,
    lifetimeMs,
    dsn,
    options,
  ] = row;
  const [queueId, messageId, kind, accountId, namespace, account, username, verifier, envelopeFrom, signing] =
    strings as readonly [string, string, NewMessage['kind'], ...FixedStrings];
  const message: NewMessage = {
    queueId,
    messageId,
    kind,
    accountId,
    namespace,
    account,
    username,
    verifier,
    envelopeFrom,
    signingDomain: signing,
    recipients,
    headerSize,
    size,
    eightBit,
    smtpUtf8,
    acceptedAt,
    lifetimeMs,
    ...(dsn && { dsn }),
    body: take(body),
  };
  return { method: 'accept', args: [message, options] };
}

type FixedStrings = [string, string, string, string, string, string, string];

function joined(bodies: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  // Memory of its own, not of a pool: it is given away.
  const all = Buffer.allocUnsafeSlow(bodies.reduce((sum, body) => sum + body.length, 0));
  let at = 0;
  for (const body of bodies) {
    all.set(body, at);
    at += body.length;
  }
  return all;
}
