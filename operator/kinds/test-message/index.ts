/**
 * TestMessage: one mail with an account's own login, followed to its end in the relay's reports.
 *
 * Flow: observe (account, Secret, report) -> decide (pure) -> send (SMTP on a relay pod) -> reports until it is over.
 * Limits: sent once; Delivered and Failed are final; with a smarthost, Delivered means that the smarthost has it.
 */
export { createTestMessageController } from './controller.ts';
