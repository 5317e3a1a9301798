import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { SettingsError } from './failure.ts';
import type { Connection } from './settings.ts';
import type { ClientIdentity } from './transport.ts';

/**
 * Looks at certificates and key before TLS does: what TLS throws for them names no attribute, or, for an authority that
 * cannot be read, blames the API server. Their text is in no message.
 */
export function checkCertificates({ ca }: Connection, identity: ClientIdentity): void {
  const { clientCertificate, clientKey } = identity;
  if (ca !== undefined) certificate(ca, 'cluster_ca_certificate');
  if (clientCertificate === undefined || clientKey === undefined) return;
  const own = certificate(clientCertificate, 'client_certificate');
  if (own.checkPrivateKey(privateKey(clientKey))) return;
  throw new SettingsError('The client key belongs to another certificate.', 'client_key');
}

function certificate(pem: string, attribute: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new SettingsError('The certificate is not one in PEM form that can be read.', attribute);
  }
}

function privateKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw new SettingsError(
      'The client key is not one in PEM form that can be read; one with a passphrase is not taken.',
      'client_key',
    );
  }
}
