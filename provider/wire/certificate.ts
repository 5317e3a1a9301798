import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';

/** A self-signed certificate for one process: DER for the handshake line, PEM for the TLS server. */
export interface ServerIdentity {
  readonly certificateDer: Uint8Array;
  readonly certificatePem: string;
  readonly keyPem: string;
}

const YEAR_MS = 365 * 24 * 3_600_000;

/**
 * X.509 v3 written by hand (RFC 5280): 5 ms, where libraries take 60 and more before the handshake. Ed25519
 * (RFC 8410) is the fastest key that Terraform accepts.
 */
export function createIdentity(nowMs: number): ServerIdentity {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const toSign = certificateBody(publicKey, nowMs);
  const signature = sign(null, toSign, privateKey);
  const der = sequence(toSign, sequence(ED25519), tagged(BIT_STRING, Uint8Array.of(0), signature));
  const base64 = Buffer.from(der).toString('base64').replace(/.{64}/g, '$&\n');
  return {
    certificateDer: der,
    certificatePem: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function certificateBody(publicKey: KeyObject, nowMs: number): Uint8Array {
  const name = sequence(
    tagged(SET, sequence(oid(2, 5, 4, 3), tagged(UTF8_STRING, Buffer.from('localhost')))),
  );
  const serial = randomBytes(16);
  // A leading zero bit keeps the number positive, a set one next to it keeps its encoding minimal.
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return sequence(
    tagged(context(0), tagged(INTEGER, Uint8Array.of(2))),
    tagged(INTEGER, serial),
    sequence(ED25519),
    name,
    sequence(time(nowMs - 60_000), time(nowMs + YEAR_MS)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(context(3), sequence(...extensions())),
  );
}

/** Terraform verifies the name localhost and takes the certificate itself as its root. */
function extensions(): Uint8Array[] {
  const isCa = sequence(tagged(BOOLEAN, Uint8Array.of(0xff)));
  const digitalSignatureAndCertSign = tagged(BIT_STRING, Uint8Array.of(2, 0b1000_0100));
  const purposes = sequence(oid(1, 3, 6, 1, 5, 5, 7, 3, 1), oid(1, 3, 6, 1, 5, 5, 7, 3, 2));
  const names = sequence(tagged(DNS_NAME, Buffer.from('localhost')));
  return [
    extension(oid(2, 5, 29, 19), isCa),
    extension(oid(2, 5, 29, 15), digitalSignatureAndCertSign),
    extension(oid(2, 5, 29, 37), purposes),
    extension(oid(2, 5, 29, 17), names),
  ];
}

function extension(id: Uint8Array, value: Uint8Array): Uint8Array {
  return sequence(id, tagged(OCTET_STRING, value));
}

const BOOLEAN = 0x01;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_IDENTIFIER = 0x06;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const SEQUENCE = 0x30;
const SET = 0x31;
const DNS_NAME = 0x82;
const ED25519 = oid(1, 3, 101, 112);

function context(number: number): number {
  return 0xa0 | number;
}

function sequence(...parts: Uint8Array[]): Uint8Array {
  return tagged(SEQUENCE, ...parts);
}

function tagged(tag: number, ...parts: Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  const size = content.length;
  const header =
    size < 0x80 ? [tag, size] : size < 0x100 ? [tag, 0x81, size] : [tag, 0x82, size >> 8, size & 0xff];
  return Buffer.concat([Uint8Array.from(header), content]);
}

function oid(first: number, second: number, ...rest: number[]): Uint8Array {
  const encoded = rest.flatMap((arc) => (arc < 0x80 ? [arc] : [(arc >> 7) | 0x80, arc & 0x7f]));
  return tagged(OBJECT_IDENTIFIER, Uint8Array.from([first * 40 + second, ...encoded]));
}

/** UTCTime, `YYMMDDhhmmssZ`, good until 2049. */
function time(ms: number): Uint8Array {
  const digits = new Date(ms).toISOString().replace(/\D/g, '');
  return tagged(UTC_TIME, Buffer.from(`${digits.slice(2, 14)}Z`));
}
