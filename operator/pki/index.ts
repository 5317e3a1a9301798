/**
 * Certificates of relays: authorities and the certificates that they sign, and when each is made anew.
 *
 * Flow: view (what is there) -> decide (pure) -> x509 (make). Limits: P-256 keys; storing them is the caller's work.
 */
export * from './decide.ts';
export * from './view.ts';
export * from './x509.ts';
