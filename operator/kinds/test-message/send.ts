/** Sends one mail with an account's login, and says exactly how far it came. */
import { connect } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { Conversation, upgrade, type LoginTarget } from '../../login/index.ts';

export interface Envelope {
  from: string;
  to: string;
  /** As it goes over the wire, without the final dot. */
  text: string;
}

export type SendOutcome =
  /** The relay has it, durably. */
  | { kind: 'accepted'; response: string }
  /** It said no. 4xx: not now. */
  | { kind: 'refused'; isPermanent: boolean; response: string }
  /** It was not reached, or went away before the mail was complete: nothing was sent. */
  | { kind: 'unavailable'; detail: string }
  /** It went away after the mail was complete: it may have it. */
  | { kind: 'unknown'; detail: string };

const EHLO_NAME = 'test-message.migosmtp.internal';
const TIMEOUT_MS = 20_000;

export async function sendMail(
  target: LoginTarget,
  credentials: { username: string; password: string },
  envelope: Envelope,
): Promise<SendOutcome> {
  const socket = connect({ host: target.address, port: target.port, noDelay: true });
  const late = setTimeout(() => socket.destroy(new Error(`no end within ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
  const progress = { isComplete: false };
  try {
    const plain = new Conversation(socket);
    await plain.expect(220);
    await plain.ask(`EHLO ${EHLO_NAME}`, 250);
    await plain.ask('STARTTLS', 220);
    return await dialogue(await upgrade(socket, plain, target), credentials, envelope, progress);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { kind: progress.isComplete ? 'unknown' : 'unavailable', detail };
  } finally {
    clearTimeout(late);
    socket.destroy();
  }
}

async function dialogue(
  socket: TLSSocket,
  { username, password }: { username: string; password: string },
  { from, to, text }: Envelope,
  progress: { isComplete: boolean },
): Promise<SendOutcome> {
  const talk = new Conversation(socket);
  await talk.ask(`EHLO ${EHLO_NAME}`, 250);
  const token = Buffer.from(`\0${username}\0${password}`).toString('base64');
  const login = await talk.ask(`AUTH PLAIN ${token}`);
  // The reply to a password is never quoted: a server under attack could echo it.
  if (login.code !== 235) return refused(login.code, `${login.code} the login was refused`);
  for (const [command, expected] of [
    [`MAIL FROM:<${from}>`, 250],
    [`RCPT TO:<${to}>`, 250],
    ['DATA', 354],
  ] as const) {
    const reply = await talk.ask(command);
    if (reply.code !== expected) return refused(reply.code, oneLine(reply.text));
  }
  socket.write(text);
  progress.isComplete = true;
  const reply = await talk.ask('.');
  const response = oneLine(reply.text);
  talk.bye();
  return reply.code === 250 ? { kind: 'accepted', response } : refused(reply.code, response);
}

function refused(code: number, response: string): SendOutcome {
  return { kind: 'refused', isPermanent: code >= 500, response };
}

/** Printable, and short enough for a status. */
export function oneLine(reply: string): string {
  return reply
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, 500);
}
