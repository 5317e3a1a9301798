/** Which next hops a recipient's mail may take, and the pools of connections to them. */
import type { relayApi } from '@migosmtp/operator/api';
import type { Deadlines } from './deadlines.ts';
import { Pool, type PoolOptions } from './pool.ts';
import { type MxAnswer, resolveMx } from './resolve.ts';
import type { Target } from './target.ts';

export type Route =
  | { readonly kind: 'pools'; readonly pools: readonly Pool[] }
  | { readonly kind: 'refused'; readonly code: number; readonly text: string };

const SMARTHOST = { maxConnections: 20, maxMessages: 1_000 };
const DIRECT = { maxConnections: 5, maxMessages: 100 };
/** Above it, pools that have nothing open are forgotten. */
const MANY_POOLS = 500;

export interface RouterOptions {
  readonly settings: relayApi.RelaySettings;
  readonly deadlines?: Deadlines | undefined;
  readonly onStateChange: (host: string, change: Parameters<PoolOptions['onStateChange']>[0]) => void;
}

export class Router {
  readonly #options: RouterOptions;
  readonly #pools = new Map<string, Pool>();

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  /** The one next hop where there is a smarthost: while it is down, nothing can go. */
  get smarthost(): Pool | undefined {
    const { delivery, hostname } = this.#options.settings;
    if (delivery.mode !== 'smarthost') return undefined;
    return this.#pool(smarthostTarget(delivery, hostname), SMARTHOST);
  }

  /** Recipients that take the same route, by the domain that decides it; a smarthost takes all. */
  groupKey(address: string): string {
    if (this.#options.settings.delivery.mode === 'smarthost') return '';
    return address.slice(address.lastIndexOf('@') + 1).toLowerCase();
  }

  async route(groupKey: string): Promise<Route> {
    const { smarthost } = this;
    if (smarthost) return { kind: 'pools', pools: [smarthost] };
    return this.#direct(groupKey, await resolveMx(groupKey));
  }

  close(): void {
    for (const pool of this.#pools.values()) pool.close();
    this.#pools.clear();
  }

  #direct(domain: string, answer: MxAnswer): Route {
    const { delivery, hostname } = this.#options.settings;
    switch (answer.kind) {
      case 'null':
        return { kind: 'refused', code: 556, text: `556 5.1.10 ${domain} takes no mail (null MX)` };
      case 'none':
        return { kind: 'refused', code: 550, text: `550 5.1.2 ${domain} does not exist` };
      case 'failed':
        return { kind: 'refused', code: 450, text: `450 4.4.3 ${answer.cause}` };
      case 'hosts': {
        // Mail that comes back to ourselves would go round for ever.
        const others = answer.hosts.filter((host) => host.toLowerCase() !== hostname.toLowerCase());
        if (others.length === 0)
          return { kind: 'refused', code: 554, text: `554 5.4.6 Mail for ${domain} loops back` };
        const allowPrivateAddresses = delivery.mode === 'direct' && delivery.allowPrivateAddresses === true;
        const pools = others.map((host) =>
          this.#pool(
            { host, port: 25, tls: 'Opportunistic', ehloName: hostname, allowPrivateAddresses },
            DIRECT,
          ),
        );
        return { kind: 'pools', pools };
      }
    }
  }

  #forgetUnused(): void {
    if (this.#pools.size < MANY_POOLS) return;
    for (const [key, pool] of this.#pools) {
      if (!pool.isUnused) continue;
      pool.close();
      this.#pools.delete(key);
    }
  }

  #pool(target: Target, limits: typeof SMARTHOST): Pool {
    const key = `${target.host}:${target.port}`;
    let pool = this.#pools.get(key);
    if (!pool) {
      const onStateChange: PoolOptions['onStateChange'] = (change) =>
        this.#options.onStateChange(key, change);
      this.#forgetUnused();
      pool = new Pool({ target, ...limits, deadlines: this.#options.deadlines, onStateChange });
      this.#pools.set(key, pool);
    }
    return pool;
  }
}

function smarthostTarget(
  delivery: relayApi.RelaySettings['delivery'] & { mode: 'smarthost' },
  ehloName: string,
): Target {
  const { host, port, tls, username, password, caPem } = delivery;
  const credentials = username === undefined ? undefined : { username, password: password ?? '' };
  // The administrator named this host: it may well be an address inside the cluster.
  return { host, port, tls, credentials, caPem, ehloName, allowPrivateAddresses: true };
}
