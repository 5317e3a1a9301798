/**
 * The SMTP dialogue with clients: listeners, login, envelope, DATA up to the durable accept.
 * Flow: smtp-server parses (library.ts and server.ts alone touch it), Dialogue asks Login and Submission, these
 * ask credentials and policy, the spool commits, then 250; accepted mail is handed to delivery at once.
 * Limits: answers and parses, decides nothing about limits or senders itself; every wait has a deadline.
 */
export { toDeadlines } from './deadlines.ts';
export { Dialogue } from './dialogue.ts';
export type { Client, Envelope, Handlers, Receiving } from './client.ts';
export { bind, type Listening, type ListenerSettings, portOf, startListeners } from './listeners.ts';
export { TrustedProxies } from './proxy-socket.ts';
export { REPLIES, SmtpError } from './replies.ts';
export { createServer } from './server.ts';
export { Lockout } from './lockout.ts';
export { Login } from './login.ts';
export { SessionRegistry } from './registry.ts';
export { type AcceptedHandOver, DEFAULT_MAX_SIZE, Submission } from './submission.ts';
