import { expect, it } from '@jest/globals';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createIdentity } from './certificate.ts';

const NOW = Date.parse('2026-03-04T05:06:07Z');

it('is a self-signed certificate for localhost that OpenSSL reads', () => {
  const { certificateDer, certificatePem, keyPem } = createIdentity(NOW);
  const certificate = new X509Certificate(certificateDer);
  expect(new X509Certificate(certificatePem).raw).toEqual(certificate.raw);
  expect(certificate.checkHost('localhost')).toBe('localhost');
  expect(certificate.ca).toBe(true);
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(certificate.checkIssued(certificate)).toBe(true);
  expect(certificate.checkPrivateKey(createPrivateKey(keyPem))).toBe(true);
  expect(Date.parse(certificate.validFrom)).toBe(NOW - 60_000);
  expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
});

it('has a serial number of its own each time', () => {
  const serials = Array.from(
    { length: 50 },
    () => new X509Certificate(createIdentity(NOW).certificateDer).serialNumber,
  );
  expect(new Set(serials).size).toBe(50);
});
