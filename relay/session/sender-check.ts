/** Sender decisions as SMTP replies, for the envelope and for the From header. */
import { type HeaderField, parseMailboxes, unfold } from '../message/index.ts';
import { type Account, decideSender, type Directory, type SenderDecision } from '../policy/index.ts';
import { REPLIES, SmtpError, type SmtpReply } from './replies.ts';

type Why = Extract<SenderDecision, { allowed: false }>['why'];

const ENVELOPE_REPLIES: Record<Why, SmtpReply> = {
  'null-sender': REPLIES.senderNull,
  malformed: REPLIES.senderMalformed,
  domain: REPLIES.senderDomain,
  address: REPLIES.senderAddress,
};

const HEADER_REPLIES: Record<Why, SmtpReply> = {
  'null-sender': REPLIES.fromMalformed,
  malformed: REPLIES.fromMalformed,
  domain: REPLIES.fromDomain,
  address: REPLIES.fromAddress,
};

/** Undefined: allowed. */
export function envelopeRefusal(directory: Directory, account: Account, from: string): SmtpReply | undefined {
  const sender = decideSender(directory, account, from);
  return sender.allowed ? undefined : ENVELOPE_REPLIES[sender.why];
}

/**
 * Exactly one From, every address in it allowed: what readers see is what was checked. Answers the domain whose
 * keys sign; throws SmtpError.
 */
export function checkFrom(directory: Directory, account: Account, fields: readonly HeaderField[]): string {
  const [only, ...more] = fields.filter((field) => field.name === 'from');
  if (!only || more.length > 0) throw new SmtpError(REPLIES.fromMissing);
  const addresses = parseMailboxes(unfold(only));
  if (!addresses) throw new SmtpError(REPLIES.fromMalformed);
  let signingDomain = '';
  for (const address of addresses) {
    const sender = decideSender(directory, account, Buffer.from(address, 'latin1').toString());
    if (!sender.allowed) throw new SmtpError(HEADER_REPLIES[sender.why]);
    signingDomain ||= sender.domain.domain;
  }
  return signingDomain;
}
