/** The relay's picture of accounts, domains and workspaces, replaced shard by shard. */
import type { relayApi } from '@migosmtp/operator/api';

export type Account = relayApi.AccountConfig;
export type Domain = relayApi.DomainConfig;
export type Workspace = relayApi.WorkspaceConfig;

export interface DirectoryPart {
  readonly settings?: relayApi.RelaySettings | undefined;
  readonly accounts: readonly Account[];
  readonly domains: readonly Domain[];
  readonly workspaces: readonly Workspace[];
}

/** Lookups are by exact key; usernames and domains are compared in lower case. */
export class Directory {
  readonly #parts = new Map<number, DirectoryPart>();
  readonly #byUsername = new Map<string, Account>();
  readonly #byId = new Map<string, Account>();
  readonly #domains = new Map<string, Domain>();
  readonly #workspaces = new Map<string, Workspace>();
  #settings: relayApi.RelaySettings | undefined;

  get settings(): relayApi.RelaySettings | undefined {
    return this.#settings;
  }

  get accountCount(): number {
    return this.#byId.size;
  }

  get domainCount(): number {
    return this.#domains.size;
  }

  /** Swaps in one part; entries of the part that it replaces and that are not listed any more are gone. */
  replace(index: number, part: DirectoryPart): void {
    const old = this.#parts.get(index);
    this.#parts.set(index, part);
    if (old) this.#remove(old);
    for (const account of part.accounts) {
      this.#byUsername.set(account.username.toLowerCase(), account);
      this.#byId.set(account.id, account);
    }
    for (const domain of part.domains) this.#domains.set(domain.domain.toLowerCase(), domain);
    for (const workspace of part.workspaces) this.#workspaces.set(workspace.namespace, workspace);
    if (part.settings) this.#settings = part.settings;
  }

  accountByUsername(username: string): Account | undefined {
    return this.#byUsername.get(username.toLowerCase());
  }

  accountById(id: string): Account | undefined {
    return this.#byId.get(id);
  }

  accounts(): Iterable<Account> {
    return this.#byId.values();
  }

  domain(name: string): Domain | undefined {
    return this.#domains.get(name.toLowerCase());
  }

  workspace(namespace: string): Workspace | undefined {
    return this.#workspaces.get(namespace);
  }

  workspaces(): Iterable<Workspace> {
    return this.#workspaces.values();
  }

  /** Deletes only what still points at the old part: a key may have moved to another part meanwhile. */
  #remove(part: DirectoryPart): void {
    for (const account of part.accounts) {
      const username = account.username.toLowerCase();
      if (this.#byUsername.get(username) === account) this.#byUsername.delete(username);
      if (this.#byId.get(account.id) === account) this.#byId.delete(account.id);
    }
    for (const domain of part.domains) {
      const name = domain.domain.toLowerCase();
      if (this.#domains.get(name) === domain) this.#domains.delete(name);
    }
    for (const workspace of part.workspaces) {
      if (this.#workspaces.get(workspace.namespace) === workspace) {
        this.#workspaces.delete(workspace.namespace);
      }
    }
  }
}
