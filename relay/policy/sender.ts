/** Who may send as whom: a domain proven for the account's workspace, and the account's own list. */
import { domainToASCII } from 'node:url';
import type { Account, Directory, Domain } from './directory.ts';

export type SenderDecision =
  | { readonly allowed: true; readonly domain: Domain }
  | { readonly allowed: false; readonly why: 'null-sender' | 'malformed' | 'domain' | 'address' };

/** `address` is a bare addr-spec without angle brackets; empty is the null sender, which no account may use. */
export function decideSender(directory: Directory, account: Account, address: string): SenderDecision {
  if (address === '') return { allowed: false, why: 'null-sender' };
  const parsed = splitAddress(address);
  if (!parsed) return { allowed: false, why: 'malformed' };
  const domain = directory.domain(parsed.domain);
  if (!domain?.workspaces.includes(account.namespace)) return { allowed: false, why: 'domain' };
  const listed =
    account.allowedSenders.length === 0 ||
    account.allowedSenders.some((entry) => matchesEntry(entry, parsed));
  return listed ? { allowed: true, domain } : { allowed: false, why: 'address' };
}

export interface AddressParts {
  readonly local: string;
  /** Lower case, A-labels. */
  readonly domain: string;
}

/** Splits at the last @; undefined where either side is empty or the domain is not one. */
export function splitAddress(address: string): AddressParts | undefined {
  const at = address.lastIndexOf('@');
  if (at < 1 || at === address.length - 1) return undefined;
  const domain = toAscii(address.slice(at + 1));
  return domain === undefined ? undefined : { local: address.slice(0, at), domain };
}

/** The address as it is sent on: domain in lower case and A-labels; undefined where it is none. */
export function toWireAddress(address: string): string | undefined {
  const parts = splitAddress(address);
  return parts && `${parts.local}@${parts.domain}`;
}

function toAscii(domain: string): string | undefined {
  if (/^[a-z0-9.-]+$/i.test(domain)) return domain.toLowerCase();
  // domainToASCII also rewrites what URLs allow ("%41", "/"); only letters beyond ASCII may take that way.
  if (/[^\p{L}\p{M}\p{N}.-]/u.test(domain)) return undefined;
  return domainToASCII(domain) || undefined;
}

function matchesEntry(entry: string, address: AddressParts): boolean {
  const at = entry.lastIndexOf('@');
  const local = entry.slice(0, at);
  const domain = toAscii(entry.slice(at + 1));
  if (domain !== address.domain) return false;
  return local === '*' || local.toLowerCase() === address.local.toLowerCase();
}
