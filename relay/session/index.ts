/**
 * The SMTP dialogue with clients: listeners, login, envelope, DATA up to the durable accept.
 * Flow: smtp-server parses (library.ts is the only file that touches it), Dialogue decides by asking
 * credentials and policy, the spool commits, then 250; accepted mail is handed to delivery at once.
 * Limits: answers and parses, decides nothing about limits or senders itself; every wait has a deadline.
 */
export { type AcceptedHandOver, Dialogue, type DialogueOptions, newQueueId } from './dialogue.ts';
export { type Listening, startListeners } from './listeners.ts';
export { Lockout } from './lockout.ts';
export { SessionRegistry } from './registry.ts';
