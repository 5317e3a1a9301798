import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';

const contexts = new Map<string, SecureContext>();

/** Parsing the built-in roots takes milliseconds: once for each bundle. */
export function contextFor(caPem: string | undefined): SecureContext {
  const key = caPem ?? '';
  let context = contexts.get(key);
  if (!context) {
    context = createSecureContext(caPem ? { ca: [...rootCertificates, caPem] } : {});
    contexts.clear();
    contexts.set(key, context);
  }
  return context;
}
