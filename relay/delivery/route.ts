/** Which next hops a recipient's mail may take, and the pools of connections to them. */
import type { relayApi } from '@migosmtp/operator/api';
import type { Log } from '../log.ts';
import type { Deadlines } from './deadlines.ts';
import { Direct } from './direct.ts';
import type { DnsOptions } from './dns.ts';
import { Pool, type PoolOptions } from './pool.ts';
import { resolveHost } from './resolve.ts';
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
  readonly dns?: DnsOptions | undefined;
  readonly log: Log;
  readonly onStateChange: (host: string, change: Parameters<PoolOptions['onStateChange']>[0]) => void;
}

export class Router {
  readonly #options: RouterOptions;
  readonly #pools = new Map<string, Pool>();
  #smarthost: Pool | undefined;
  readonly #direct: Direct;

  constructor(options: RouterOptions) {
    this.#options = options;
    const { delivery, hostname } = options.settings;
    const allowPrivateAddresses = delivery.mode === 'direct' && delivery.allowPrivateAddresses === true;
    this.#direct = new Direct({ hostname, allowPrivateAddresses, dns: options.dns, log: options.log });
  }

  /** The one next hop where there is a smarthost: while it is down, nothing can go. */
  get smarthost(): Pool | undefined {
    const { delivery, hostname } = this.#options.settings;
    if (delivery.mode !== 'smarthost') return undefined;
    // Asked for several times for each message.
    this.#smarthost ??= this.#pool(smarthostTarget(delivery, hostname), SMARTHOST, resolveHost);
    return this.#smarthost;
  }

  /** Recipients that take the same route, by the domain that decides it; a smarthost takes all. */
  groupKey(address: string): string {
    if (this.#options.settings.delivery.mode === 'smarthost') return '';
    return address.slice(address.lastIndexOf('@') + 1).toLowerCase();
  }

  async route(groupKey: string): Promise<Route> {
    const { smarthost } = this;
    if (smarthost) return { kind: 'pools', pools: [smarthost] };
    const direct = this.#direct;
    const found = await direct.hosts(groupKey);
    if (found.kind === 'refused') return found;
    const tls = found.verified ? 'Required' : 'Opportunistic';
    const { hostname } = this.#options.settings;
    const pools = found.hosts.map((host) =>
      this.#pool({ host, port: 25, tls, ehloName: hostname }, DIRECT, (name) => direct.addresses(name)),
    );
    return { kind: 'pools', pools };
  }

  close(): void {
    for (const pool of this.#pools.values()) pool.close();
    this.#pools.clear();
  }

  #forgetUnused(): void {
    if (this.#pools.size < MANY_POOLS) return;
    for (const [key, pool] of this.#pools) {
      if (!pool.isUnused) continue;
      pool.close();
      this.#pools.delete(key);
    }
  }

  #pool(target: Target, limits: typeof SMARTHOST, resolve: PoolOptions['resolve']): Pool {
    const key = `${target.host}:${target.port}:${target.tls}`;
    let pool = this.#pools.get(key);
    if (!pool) {
      const onStateChange: PoolOptions['onStateChange'] = (change) =>
        this.#options.onStateChange(`${target.host}:${target.port}`, change);
      this.#forgetUnused();
      pool = new Pool({ target, ...limits, resolve, deadlines: this.#options.deadlines, onStateChange });
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
  return { host, port, tls, credentials, caPem, ehloName };
}
