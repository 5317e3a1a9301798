/**
 * DNS for direct delivery, by queries of our own: hosts files and search domains are no part of it.
 * `absent` is an answer (no such name, or no record of that type); a failure is none, and mail then waits.
 */
import { Resolver } from 'node:dns/promises';
import type { MxRecord } from 'node:dns';

export type Answer<T> =
  | { readonly kind: 'found'; readonly values: readonly T[] }
  /** `name`: false where the name exists without a record of this type. */
  | { readonly kind: 'absent'; readonly noName: boolean }
  | { readonly kind: 'failed'; readonly cause: string };

export interface DnsOptions {
  /** `ip` or `ip:port`; absent: the machine's resolvers. */
  readonly servers?: readonly string[] | undefined;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 5_000;
const MAX_ALIASES = 8;

export class Dns {
  readonly #resolver: Resolver;

  constructor({ servers, timeoutMs = TIMEOUT_MS }: DnsOptions = {}) {
    this.#resolver = new Resolver({ timeout: timeoutMs, tries: 2 });
    if (servers && servers.length > 0) this.#resolver.setServers(servers);
  }

  mx(domain: string): Promise<Answer<MxRecord>> {
    return this.#query(domain, (name) => this.#resolver.resolveMx(name));
  }

  /** The strings of a record are joined. */
  txt(name: string): Promise<Answer<string>> {
    return this.#query(name, async (at) =>
      (await this.#resolver.resolveTxt(at)).map((parts) => parts.join('')),
    );
  }

  /** IPv4 first: it is the way that works from most places. */
  async addresses(host: string): Promise<Answer<string>> {
    const [v4, v6] = await Promise.all([
      this.#query(host, (name) => this.#resolver.resolve4(name)),
      this.#query(host, (name) => this.#resolver.resolve6(name)),
    ]);
    const values = [v4, v6].flatMap((answer) => (answer.kind === 'found' ? answer.values : []));
    if (values.length > 0) return { kind: 'found', values };
    return v4.kind === 'failed' ? v4 : v6;
  }

  async #query<T>(name: string, ask: (name: string) => Promise<T[]>, aliases = 0): Promise<Answer<T>> {
    try {
      const values = await ask(absolute(name));
      // A server that does not recurse answers with an alias alone, which the library shows as an empty list.
      return values.length > 0 ? { kind: 'found', values } : await this.#followAlias(name, ask, aliases);
    } catch (error) {
      return this.#failure(name, error);
    }
  }

  async #followAlias<T>(
    name: string,
    ask: (name: string) => Promise<T[]>,
    aliases: number,
  ): Promise<Answer<T>> {
    if (aliases >= MAX_ALIASES)
      return { kind: 'failed', cause: `the chain of aliases of ${name} is too long` };
    try {
      const [target] = await this.#resolver.resolveCname(absolute(name));
      if (target && target !== name) return await this.#query(target, ask, aliases + 1);
    } catch (error) {
      return this.#failure(name, error);
    }
    return { kind: 'absent', noName: false };
  }

  #failure(name: string, error: unknown): Answer<never> {
    const { code = String(error) } = error as NodeJS.ErrnoException;
    if (code === 'ENODATA') return { kind: 'absent', noName: false };
    if (code === 'ENOTFOUND') return { kind: 'absent', noName: true };
    return { kind: 'failed', cause: `DNS has no answer about ${name} (${code})` };
  }
}

/** With the trailing dot no search domain is tried. */
function absolute(name: string): string {
  return name.endsWith('.') ? name : `${name}.`;
}
