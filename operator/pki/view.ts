/** Reading of certificates, by Node's own parser. */
import { X509Certificate } from 'node:crypto';
import type { CertificateView } from './decide.ts';

/** The certificate in a PEM text; undefined when it cannot be read. */
export function viewCertificate(pem: string | undefined, authorityPem?: string): CertificateView | undefined {
  const certificate = parse(pem);
  if (certificate === undefined) return undefined;
  const authority = parse(authorityPem);
  return {
    notBefore: new Date(certificate.validFrom),
    notAfter: new Date(certificate.validTo),
    dnsNames: (certificate.subjectAltName ?? '').split(', ').flatMap((name) => {
      return name.startsWith('DNS:') ? [name.slice('DNS:'.length)] : [];
    }),
    isSignedByCurrent:
      authority !== undefined &&
      certificate.checkIssued(authority) &&
      certificate.verify(authority.publicKey),
  };
}

function parse(pem: string | undefined): X509Certificate | undefined {
  if (pem === undefined || pem === '') return undefined;
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}
