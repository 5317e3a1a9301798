/**
 * MAIL and RCPT as the client wrote them, read strictly: path (RFC 5321 section 4.1.2), SIZE (RFC 1870), BODY
 * (RFC 6152), SMTPUTF8 (RFC 6531), AUTH (RFC 4954), RET, ENVID, NOTIFY and ORCPT (RFC 3461). Pure.
 */
import { isUtf8 } from 'node:buffer';
import { isIPv4, isIPv6 } from 'node:net';
import type { DsnRequest, RecipientDsn } from '../spool/index.ts';
import { REPLIES, type SmtpReply } from './replies.ts';

export interface MailCommand {
  /** Without angle brackets; empty: the null sender. */
  readonly address: string;
  /** As declared; 0: not. */
  readonly size: number;
  readonly smtpUtf8: boolean;
  readonly ret: DsnRequest['ret'];
  readonly envid: string | null;
}

export interface RcptCommand extends RecipientDsn {
  readonly address: string;
}

export type Parsed<T> =
  { readonly ok: true; readonly command: T } | { readonly ok: false; readonly reply: SmtpReply };

/** RFC 5321 section 4.5.3.1: a path with its brackets, a local part, a domain. */
const MAX_PATH = 256;
const MAX_LOCAL = 64;
const MAX_DOMAIN = 255;
/** RFC 3461 sections 4.2 and 4.4, before decoding. */
const MAX_ORCPT = 500;
const MAX_ENVID = 100;

export function parseMail(line: Buffer, maxSize: number): Parsed<MailCommand> {
  const read = readCommand(line, 'MAIL FROM:');
  if (!read) return refuse(REPLIES.senderMalformed);
  const { address, params } = read;
  if (address !== '' && !isAddress(address)) return refuse(REPLIES.senderMalformed);
  if (!params) return refuse(REPLIES.paramMalformed);
  const { SIZE: size = '0', BODY: body = '7BIT', RET: ret, ENVID: envid, ...others } = params;
  const { SMTPUTF8: utf8, AUTH: auth = '<>', ...unknown } = others;
  if (Object.keys(unknown).length > 0) return refuse(REPLIES.paramUnknown);
  const wrong =
    !/^\d{1,20}$/.test(size) ||
    !/^(7BIT|8BITMIME)$/i.test(body) ||
    (utf8 !== undefined && utf8 !== '') ||
    auth === '' ||
    !/^(FULL|HDRS|undefined)$/i.test(String(ret)) ||
    (envid !== undefined && (envid.length > MAX_ENVID || decodeXtext(envid) === undefined));
  if (wrong) return refuse(REPLIES.paramMalformed);
  if (maxSize > 0 && Number(size) > maxSize) return refuse(REPLIES.tooBig);
  if (utf8 === undefined && hasHighChars(address)) return refuse(REPLIES.utf8Undeclared);
  return {
    ok: true,
    command: {
      address,
      size: Number(size),
      smtpUtf8: utf8 !== undefined,
      ret: ret === undefined ? null : ret.toUpperCase() === 'FULL' ? 'FULL' : 'HDRS',
      envid: envid === undefined ? null : (decodeXtext(envid) ?? null),
    },
  };
}

export function parseRcpt(line: Buffer, smtpUtf8: boolean): Parsed<RcptCommand> {
  const read = readCommand(line, 'RCPT TO:');
  if (!read || !isAddress(read.address)) return refuse(REPLIES.recipientMalformed);
  const { address, params } = read;
  if (!params) return refuse(REPLIES.paramMalformed);
  const { NOTIFY: notify, ORCPT: orcpt, ...unknown } = params;
  if (Object.keys(unknown).length > 0) return refuse(REPLIES.paramUnknown);
  if (!smtpUtf8 && hasHighChars(address)) return refuse(REPLIES.utf8Undeclared);
  const command = {
    address,
    notify: notify === undefined ? null : readNotify(notify),
    orcpt: orcpt === undefined ? null : readOrcpt(orcpt),
  };
  const { notify: asked, orcpt: original } = command;
  if (asked === undefined || original === undefined) return refuse(REPLIES.paramMalformed);
  return { ok: true, command: { address, notify: asked, orcpt: original } };
}

function refuse(reply: SmtpReply): { readonly ok: false; readonly reply: SmtpReply } {
  return { ok: false, reply };
}

interface Read {
  readonly address: string;
  /** Keywords in upper case; empty for one without value. Undefined: they cannot be read. */
  readonly params: Partial<Record<string, string>> | undefined;
}

/** Spaces around the path are taken, as many clients send them. */
function readCommand(line: Buffer, keyword: string): Read | undefined {
  if (!isUtf8(line)) return undefined;
  const text = line.toString();
  if (text.slice(0, keyword.length).toUpperCase() !== keyword) return undefined;
  const match = /^ *<([^<>]*)>(?: +([^ ].*))? *$/.exec(text.slice(keyword.length));
  if (match?.[1] === undefined) return undefined;
  // RFC 5321 appendix C: a source route is taken and ignored.
  const address = match[1].replace(/^@[^\s,:@]+(?:,@[^\s,:@]+)*:/, '');
  return { address, params: match[2] === undefined ? {} : readParams(match[2]) };
}

/** RFC 5321 section 4.1.2, esmtp-param; each keyword once. */
function readParams(text: string): Read['params'] {
  const params: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const param of text.trimEnd().split(/ +/)) {
    const match = /^([a-z0-9][a-z0-9-]*)(?:=([!-<>-~]+))?$/i.exec(param);
    const keyword = match?.[1]?.toUpperCase();
    if (keyword === undefined || keyword in params) return undefined;
    params[keyword] = match?.[2] ?? '';
  }
  return params;
}

function readNotify(value: string): RecipientDsn['notify'] | undefined {
  const words = value.toUpperCase().split(',');
  if (words.length === 1 && words[0] === 'NEVER') return ['NEVER'];
  const known = (['SUCCESS', 'FAILURE', 'DELAY'] as const).filter((word) => words.includes(word));
  return known.length === words.length ? known : undefined;
}

/** `addr-type;xtext`, decoded. */
function readOrcpt(value: string): string | undefined {
  const match = value.length > MAX_ORCPT ? null : /^([a-z0-9-]+);(.+)$/i.exec(value);
  const address = match?.[2] === undefined ? undefined : decodeXtext(match[2]);
  return address === undefined ? undefined : `${match?.[1]};${address}`;
}

/** RFC 3461 section 4; undefined where it is no xtext, or hides something that is not printable ASCII. */
function decodeXtext(value: string): string | undefined {
  if (!/^(?:[!-*,-<>-~]|\+[0-9A-F]{2})+$/.test(value)) return undefined;
  const text = value.replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return /^[ -~]+$/.test(text) ? text : undefined;
}

// eslint-disable-next-line no-control-regex -- control and invisible characters are what is refused here
const UNSAFE = /[\u0000-\u0020\u007f-\u009f\u200b\u2060\ufeff]/;

function isAddress(address: string): boolean {
  if (Buffer.byteLength(address) + 2 > MAX_PATH || UNSAFE.test(address)) return false;
  const at = address.indexOf('@');
  const local = address.slice(0, at);
  if (at < 1 || at !== address.lastIndexOf('@') || Buffer.byteLength(local) > MAX_LOCAL) return false;
  if (local.startsWith('.') || local.endsWith('.') || local.includes('..')) return false;
  const domain = address.slice(at + 1);
  return domain.startsWith('[') ? isLiteral(domain) : isDomain(domain);
}

function isLiteral(domain: string): boolean {
  const inner = /^\[(.*)\]$/.exec(domain)?.[1] ?? '';
  return isIPv4(inner) || (/^ipv6:/i.test(inner) && isIPv6(inner.slice(5)));
}

function isDomain(domain: string): boolean {
  return (
    domain.length <= MAX_DOMAIN &&
    /^[a-z0-9\u0080-\uffff](?:[a-z0-9\u0080-\uffff.-]*[a-z0-9\u0080-\uffff])?$/i.test(domain) &&
    !/\.[.-]|-\./.test(domain)
  );
}

function hasHighChars(address: string): boolean {
  // eslint-disable-next-line no-control-regex -- the range is all of ASCII
  return /[^\u0000-\u007f]/.test(address);
}
