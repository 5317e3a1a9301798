/** What apps are told of their relay, and the address they may send from. Pure. */
import type { SmtpAccount } from '../../api/index.ts';
import type { Endpoint } from './content.ts';
import type { ChosenRelay } from './snapshot.ts';

export function endpointOf(account: SmtpAccount, relay: ChosenRelay): Endpoint {
  const { host, ports, caBundle } = relay.facts;
  return { relay: relay.key, host, port: ports.starttls, caBundle, from: fromOf(account, relay.domains) };
}

/** spec.secret.from, else the first literal allowed sender, else noreply@ the first verified domain. */
export function fromOf(account: SmtpAccount, domains: readonly string[]): string | undefined {
  const { secret, allowedSenders } = account.spec;
  if (secret?.from !== undefined) return secret.from;
  const literal = allowedSenders?.find((sender) => !sender.startsWith('*'));
  if (literal !== undefined) return literal;
  const allowed = (allowedSenders ?? []).map((sender) => sender.slice(2));
  const domain = domains.find((name) => allowed.length === 0 || allowed.includes(name));
  return domain === undefined ? undefined : `noreply@${domain}`;
}

/** Domains that the account's senders need and the workspace may not use (yet). */
export function unverifiedOf(account: SmtpAccount, domains: readonly string[]): string[] {
  const wanted = (account.spec.allowedSenders ?? []).map((sender) => sender.slice(sender.indexOf('@') + 1));
  return [...new Set(wanted)].filter((domain) => !domains.includes(domain));
}
