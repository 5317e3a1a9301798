/**
 * Which domains insist on verified TLS (RFC 8461): the record says that there is a policy, HTTPS says which.
 * A policy stays in force for its max_age, also while record and host are unreachable. Kept in memory only.
 */
import { request } from 'node:https';
import { isIPv6 } from 'node:net';
import { describeCause } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Dns } from './dns.ts';
import { readStsPolicy, readStsRecord, type StsPolicy } from './mta-sts-policy.ts';

export interface MtaStsOptions {
  readonly dns: Dns;
  readonly log: Log;
  /** Addresses that may be connected to; throws where there are none. */
  resolve(host: string): Promise<readonly string[]>;
}

interface Known {
  readonly id: string;
  readonly policy: StsPolicy;
  readonly expiresAt: number;
}

/** How long an answer about the record is not asked for again. */
const RECORD_KEPT_MS = 300_000;
/** After a failed fetch (RFC 8461 section 3.3). */
const FETCH_AGAIN_MS = 300_000;
const FETCH_MS = 15_000;
const MAX_POLICY_BYTES = 64 * 1024;
const MAX_DOMAINS = 10_000;

export class MtaSts {
  readonly #options: MtaStsOptions;
  readonly #known = new Map<string, Known>();
  readonly #askAgainAt = new Map<string, number>();
  readonly #asking = new Map<string, Promise<void>>();

  constructor(options: MtaStsOptions) {
    this.#options = options;
  }

  /** The policy in force; undefined: none is known. */
  async policyFor(domain: string): Promise<StsPolicy | undefined> {
    if (Date.now() >= (this.#askAgainAt.get(domain) ?? 0)) {
      const asking =
        this.#asking.get(domain) ?? this.#refresh(domain).finally(() => this.#asking.delete(domain));
      this.#asking.set(domain, asking);
      await asking;
    }
    const known = this.#known.get(domain);
    return known && known.expiresAt > Date.now() ? known.policy : undefined;
  }

  async #refresh(domain: string): Promise<void> {
    const record = await this.#options.dns.txt(`_mta-sts.${domain}`);
    remember(this.#askAgainAt, domain, Date.now() + RECORD_KEPT_MS);
    const id = record.kind === 'found' ? readStsRecord(record.values) : undefined;
    const known = this.#known.get(domain);
    // A record that is gone or cannot be read takes no policy away: an attacker could bring that about.
    if (id === undefined || (known?.id === id && known.expiresAt > Date.now())) return;
    try {
      const policy = readStsPolicy(await this.#fetch(domain));
      if (!policy) throw new Error('the policy cannot be read');
      remember(this.#known, domain, { id, policy, expiresAt: Date.now() + policy.maxAgeSeconds * 1_000 });
    } catch (error) {
      remember(this.#askAgainAt, domain, Date.now() + FETCH_AGAIN_MS);
      this.#options.log.warn({ domain, cause: describeCause(error) }, 'MTA-STS policy not fetched');
    }
  }

  async #fetch(domain: string): Promise<string> {
    const host = `mta-sts.${domain}`;
    const [address] = await this.#options.resolve(host);
    if (!address) throw new Error(`${host} has no address`);
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          host,
          path: '/.well-known/mta-sts.txt',
          servername: host,
          agent: false,
          // The address that was checked, not what another lookup says.
          lookup: (_, options, done) => {
            const family = isIPv6(address) ? 6 : 4;
            if (options.all) done(null, [{ address, family }]);
            else done(null, address, family);
          },
          signal: AbortSignal.timeout(FETCH_MS),
        },
        (response) => {
          // Redirects are not followed (RFC 8461 section 3.3).
          if (
            response.statusCode !== 200 ||
            !/^text\/plain\b/i.test(response.headers['content-type'] ?? '')
          ) {
            response.destroy();
            reject(new Error(`${host} answered ${response.statusCode}, ${response.headers['content-type']}`));
            return;
          }
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => {
            text += chunk;
            if (text.length > MAX_POLICY_BYTES) response.destroy(new Error('the policy is too large'));
          });
          response.on('end', () => resolve(text));
          response.on('error', reject);
        },
      );
      outgoing.on('error', reject);
      outgoing.end();
    });
  }
}

/** The oldest goes when there are too many. */
function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > MAX_DOMAINS && oldest !== undefined) map.delete(oldest);
}
