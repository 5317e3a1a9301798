import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { isIPv4 } from 'node:net';

/**
 * X.509 certificates with P-256 keys, written directly as DER (RFC 5280): Node can read certificates but not make
 * them, and starting a control plane should not need an openssl program.
 */

/** A certificate and its key, both PEM. */
export interface KeyPair {
  certificate: string;
  key: string;
}

export interface CertificateRequest {
  commonName: string;
  /** Groups, for Kubernetes client certificates. */
  organizations?: readonly string[];
  dnsNames?: readonly string[];
  addresses?: readonly string[];
  /** Signs with this authority; absent means a self-signed authority. */
  issuer?: KeyPair & { commonName: string };
  days?: number;
}

export function makeCertificate(request: CertificateRequest): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const signer = request.issuer === undefined ? privateKey : createPrivateKey(request.issuer.key);
  const algorithm = sequence(objectId('1.2.840.10045.4.3.2')); // ecdsa-with-SHA256
  const subject = name(request.commonName, request.organizations ?? []);
  const issuer = request.issuer === undefined ? subject : name(request.issuer.commonName, []);
  const body = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([0x40]), randomBytes(15)])),
    algorithm,
    issuer,
    validity(request.days ?? 3650),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...extensions(request, publicKey))),
  );
  const signature = sign('sha256', body, signer);
  const der = sequence(body, algorithm, bitString(signature));
  const base64 = der
    .toString('base64')
    .replace(/(.{64})/g, '$1\n')
    .trimEnd();
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}

function extensions(request: CertificateRequest, publicKey: KeyObject): Buffer[] {
  const isAuthority = request.issuer === undefined;
  const list = [
    extension('2.5.29.19', true, sequence(...(isAuthority ? [tagged(0x01, Buffer.from([0xff]))] : []))),
    // keyCertSign and cRLSign for an authority, digitalSignature and keyEncipherment otherwise
    extension('2.5.29.15', true, tagged(0x03, Buffer.from(isAuthority ? [1, 0x06] : [5, 0xa0]))),
    extension('2.5.29.14', false, tagged(0x04, keyId(publicKey))),
  ];
  if (request.issuer === undefined) return list;
  const authority = new X509Certificate(request.issuer.certificate).publicKey;
  list.push(extension('2.5.29.35', false, sequence(tagged(0x80, keyId(authority)))));
  const usages = ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'].map(objectId);
  list.push(extension('2.5.29.37', false, sequence(...usages)));
  const names = [
    ...(request.dnsNames ?? []).map((dns) => tagged(0x82, Buffer.from(dns))),
    ...(request.addresses ?? [])
      .filter((ip) => isIPv4(ip))
      .map((ip) => tagged(0x87, Buffer.from(ip.split('.').map(Number)))),
  ];
  if (names.length > 0) list.push(extension('2.5.29.17', false, sequence(...names)));
  return list;
}

function keyId(publicKey: KeyObject): Buffer {
  return createHash('sha1')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest();
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return sequence(
    objectId(id),
    ...(critical ? [tagged(0x01, Buffer.from([0xff]))] : []),
    tagged(0x04, value),
  );
}

function validity(days: number): Buffer {
  const stamp = (date: Date) =>
    tagged(
      0x17,
      Buffer.from(
        date
          .toISOString()
          .slice(2)
          .replace(/[-:T]/g, '')
          .replace(/\.\d+Z$/, 'Z'),
      ),
    );
  // An hour back, for machines whose clock is a little behind.
  return sequence(stamp(new Date(Date.now() - 3600_000)), stamp(new Date(Date.now() + days * 86_400_000)));
}

function name(commonName: string, organizations: readonly string[]): Buffer {
  const part = (id: string, value: string) =>
    tagged(0x31, sequence(objectId(id), tagged(0x0c, Buffer.from(value))));
  return sequence(...organizations.map((o) => part('2.5.4.10', o)), part('2.5.4.3', commonName));
}

function tagged(tag: number, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content);
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const hex = body.length.toString(16);
  const length = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, body]);
}

function sequence(...content: Buffer[]): Buffer {
  return tagged(0x30, ...content);
}

function integer(bytes: Buffer): Buffer {
  return tagged(0x02, bytes);
}

function bitString(bytes: Buffer): Buffer {
  return tagged(0x03, Buffer.concat([Buffer.from([0]), bytes]));
}

function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const value of rest) {
    const groups = [value & 0x7f];
    for (let left = value >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return tagged(0x06, Buffer.from(bytes));
}
