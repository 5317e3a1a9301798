/**
 * The proof that a password works: a real login, as an app makes it, on every pod.
 *
 * Flow: LoginProver.prove(pods, credentials) -> accepted, refused or unavailable for each. Limits: PLAIN over STARTTLS
 * only; greets as PROOF_EHLO_NAME, so that relays do not count it as a use of the password.
 */
export * from './prover.ts';
export * from './smtp-login.ts';
