/** The one table of SMTP replies that the relay gives of its own accord; the library's are left to it. */

export interface SmtpReply {
  readonly code: number;
  readonly enhanced: string;
  readonly text: string;
}

/** RFC 5321 codes with RFC 3463 enhanced codes. Texts are public: no cause, no hint who exists. */
export const REPLIES = {
  senderTaken: { code: 250, enhanced: '2.1.0', text: 'Accepted' },
  recipientTaken: { code: 250, enhanced: '2.1.5', text: 'Accepted' },
  /** RFC 2034 section 3: no enhanced code with 3xx. */
  startData: { code: 354, enhanced: '', text: 'End data with <CR><LF>.<CR><LF>' },
  authRequired: { code: 530, enhanced: '5.7.0', text: 'Authentication required' },
  nestedMail: { code: 503, enhanced: '5.5.1', text: 'MAIL was given already' },
  needMail: { code: 503, enhanced: '5.5.1', text: 'MAIL comes first' },
  needRcpt: { code: 503, enhanced: '5.5.1', text: 'RCPT comes first' },
  chunksBegun: { code: 503, enhanced: '5.5.1', text: 'The message has begun with BDAT' },
  chunkMalformed: { code: 421, enhanced: '5.5.4', text: 'BDAT needs a size, closing connection' },
  paramMalformed: { code: 501, enhanced: '5.5.4', text: 'Bad parameter syntax' },
  paramUnknown: { code: 555, enhanced: '5.5.4', text: 'Parameter not recognized' },
  utf8Undeclared: { code: 553, enhanced: '5.6.7', text: 'Address beyond ASCII needs SMTPUTF8' },
  authNeedsTls: { code: 538, enhanced: '5.7.11', text: 'Must issue a STARTTLS command first' },
  authIncomplete: { code: 454, enhanced: '4.7.0', text: 'Temporary authentication failure, try again later' },
  authInvalid: { code: 535, enhanced: '5.7.8', text: 'Authentication credentials invalid' },
  authMalformed: { code: 501, enhanced: '5.5.2', text: 'Cannot decode the credentials' },
  sessionRevoked: { code: 421, enhanced: '4.7.0', text: 'Credentials changed, log in again' },
  tooManyFailures: { code: 421, enhanced: '4.7.0', text: 'Too many failed logins, closing connection' },
  tooManySessions: { code: 421, enhanced: '4.7.0', text: 'Too many connections, try again later' },
  tooManyCommands: {
    code: 421,
    enhanced: '4.7.0',
    text: 'Too many commands without mail, closing connection',
  },
  tooSlow: { code: 421, enhanced: '4.4.2', text: 'Timeout, closing connection' },
  shuttingDown: { code: 421, enhanced: '4.3.2', text: 'Service shutting down, try again later' },
  senderNull: { code: 550, enhanced: '5.7.1', text: 'The null sender is not allowed here' },
  senderMalformed: { code: 501, enhanced: '5.1.7', text: 'Bad sender address syntax' },
  senderDomain: { code: 550, enhanced: '5.7.1', text: 'Sender domain is not verified for this account' },
  senderAddress: { code: 550, enhanced: '5.7.1', text: 'Sender address is not allowed for this account' },
  fromMissing: { code: 550, enhanced: '5.7.1', text: 'Message must have exactly one From header field' },
  fromMalformed: { code: 550, enhanced: '5.7.1', text: 'From header cannot be read as a list of addresses' },
  fromDomain: {
    code: 550,
    enhanced: '5.7.1',
    text: 'From header names a domain not verified for this account',
  },
  fromAddress: {
    code: 550,
    enhanced: '5.7.1',
    text: 'From header names an address not allowed for this account',
  },
  recipientMalformed: { code: 501, enhanced: '5.1.3', text: 'Bad recipient address syntax' },
  tooManyRecipients: { code: 452, enhanced: '4.5.3', text: 'Too many recipients' },
  tooBig: { code: 552, enhanced: '5.3.4', text: 'Message exceeds the maximum size' },
  lineTooLong: { code: 421, enhanced: '5.5.2', text: 'Command line too long' },
  bareCr: { code: 554, enhanced: '5.6.0', text: 'Message has a CR without LF; lines end with CRLF' },
  bareLf: { code: 554, enhanced: '5.6.0', text: 'Message has a LF without CR; lines end with CRLF' },
  nul: { code: 554, enhanced: '5.6.0', text: 'Message has a NUL byte' },
  longLine: { code: 554, enhanced: '5.6.0', text: 'Message has a line longer than 998 bytes' },
  longHeader: { code: 554, enhanced: '5.6.0', text: 'Message header is too long' },
  badHeader: { code: 554, enhanced: '5.6.0', text: 'Message header is malformed' },
  storeFailed: { code: 452, enhanced: '4.3.1', text: 'Insufficient system storage, try again later' },
  internal: { code: 451, enhanced: '4.3.0', text: 'Local error in processing, try again later' },
} as const satisfies Record<string, SmtpReply>;

/** A refusal that the library turns into a reply; the enhanced code leads the text (see library.ts). */
export class SmtpError extends Error {
  readonly responseCode: number;
  readonly reply: SmtpReply;

  constructor(reply: SmtpReply) {
    super(`${reply.enhanced} ${reply.text}`);
    this.reply = reply;
    this.responseCode = reply.code;
  }
}
