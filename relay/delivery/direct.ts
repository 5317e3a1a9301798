/** Routes by MX: whose hosts, which of them, with which demands on TLS. */
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { RelayError } from '../errors.ts';
import type { Log } from '../log.ts';
import { type Answer, Dns, type DnsOptions } from './dns.ts';
import { MtaSts } from './mta-sts.ts';
import { matchesSts } from './mta-sts-policy.ts';
import { hostsInOrder, type MxAnswer, resolveMx } from './mx.ts';
import { isPrivate } from './resolve.ts';
import { TargetDown } from './target.ts';

export interface DirectOptions {
  readonly hostname: string;
  readonly allowPrivateAddresses: boolean;
  readonly dns?: DnsOptions | undefined;
  readonly log: Log;
  readonly random?: () => number;
}

export type Hosts =
  | { readonly kind: 'hosts'; readonly hosts: readonly string[]; readonly verified: boolean }
  | { readonly kind: 'refused'; readonly code: number; readonly text: string };

/** Several messages to a domain ask once. */
const KEPT_MS = 30_000;
const MAX_KEPT = 5_000;

export class Direct {
  readonly #options: DirectOptions;
  readonly #dns: Dns;
  readonly #sts: MtaSts;
  readonly #kept = new Map<string, { answer: Promise<MxAnswer>; until: number }>();

  constructor(options: DirectOptions) {
    this.#options = options;
    this.#dns = new Dns(options.dns);
    this.#sts = new MtaSts({ dns: this.#dns, log: options.log, resolve: (host) => this.addresses(host) });
  }

  async hosts(domain: string): Promise<Hosts> {
    const { hostname, random = Math.random } = this.#options;
    const answer = await this.#mx(domain);
    switch (answer.kind) {
      case 'null':
        return { kind: 'refused', code: 556, text: `556 5.1.10 ${domain} takes no mail (null MX)` };
      case 'none':
        return { kind: 'refused', code: 550, text: `550 5.1.2 ${answer.cause}` };
      case 'failed':
        return { kind: 'refused', code: 450, text: `450 4.4.3 ${answer.cause}` };
      case 'hosts': {
        const isOwn = (host: string) => host === hostname.toLowerCase();
        const hosts = hostsInOrder(answer.records, isOwn, random);
        if (hosts.length === 0)
          return { kind: 'refused', code: 554, text: `554 5.4.6 Mail for ${domain} loops back` };
        return this.#demanded(domain, hosts);
      }
    }
  }

  /** What may be connected to, of all that the name resolves to now. Throws TargetDown. */
  async addresses(host: string): Promise<string[]> {
    const answer = await this.#lookUp(host);
    if (answer.kind === 'failed') throw new TargetDown('resolve', answer.cause);
    if (answer.kind === 'absent') throw new TargetDown('resolve', `${host} has no address`);
    const own = answer.values.find((address) => isOwnAddress(address));
    if (own !== undefined) {
      const message = `${host} resolves to ${own}, which is this machine`;
      throw new TargetDown('resolve', message, { permanent: true });
    }
    const usable = answer.values.filter(
      (address) => this.#options.allowPrivateAddresses || !isPrivate(address),
    );
    if (usable.length > 0) return usable;
    const error = new RelayError('R_UPSTREAM_ADDRESS', { host, address: answer.values[0] ?? 'nothing' });
    throw new TargetDown('resolve', error.message, { permanent: true });
  }

  async #lookUp(host: string): Promise<Answer<string>> {
    return isIP(host) === 0 ? this.#dns.addresses(host) : { kind: 'found', values: [host] };
  }

  async #mx(domain: string): Promise<MxAnswer> {
    const kept = this.#kept.get(domain);
    if (kept && kept.until > Date.now()) return kept.answer;
    const answer = resolveMx(this.#dns, domain);
    if (this.#kept.size >= MAX_KEPT) this.#kept.clear();
    this.#kept.set(domain, { answer, until: Date.now() + KEPT_MS });
    // A failure is no knowledge: the next attempt asks again.
    if ((await answer).kind === 'failed') this.#kept.delete(domain);
    return answer;
  }

  async #demanded(domain: string, hosts: readonly string[]): Promise<Hosts> {
    const policy = await this.#sts.policyFor(domain);
    if (policy?.mode !== 'enforce') return { kind: 'hosts', hosts, verified: false };
    const allowed = hosts.filter((host) => matchesSts(policy, host));
    if (allowed.length > 0) return { kind: 'hosts', hosts: allowed, verified: true };
    return { kind: 'refused', code: 451, text: `451 4.7.5 No MX of ${domain} is in its MTA-STS policy` };
  }
}

/** Not the loopback: whether that may be used is a matter of private addresses. */
function isOwnAddress(address: string): boolean {
  return Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .some((entry) => !entry.internal && entry.address === address);
}
