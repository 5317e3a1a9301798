/**
 * SmtpAccount: credentials whose Ready means that the login works now.
 *
 * Flow: observe (caches, open relay, Secret by name) -> decide (guards, credentials, steady) -> perform (mint, sync,
 * publish). Limits: the password is in the Secret alone; status is never input; mint.ts holds the order that matters.
 */
export { createAccountController } from './controller.ts';
export { ANNOTATIONS, secretNameOf } from './published.ts';
