/** The relays that are open, and who wants to know when one opens, changes for clients, or closes. */
import type { Key } from '../runtime/index.ts';
import { isEqual } from '../runtime/index.ts';
import { RelayHandle, type RelayFacts, type RelayHandleOptions } from './relay-handle.ts';

/**
 * 'opened' and 'closed' concern every object on the relay; 'facts': credentials change; 'pods': those that wait for
 * pods; 'progress': nobody but who counts.
 */
export type RelayChange = 'opened' | 'closed' | 'facts' | 'pods' | 'progress';

export class RelayRegistry {
  readonly #handles = new Map<Key, RelayHandle>();
  readonly #handlers: ((key: Key, change: RelayChange) => void)[] = [];
  readonly #domainHandlers: ((workspaces: readonly string[]) => void)[] = [];
  readonly #limitHandlers: ((workspace: string) => void)[] = [];

  onChange(handler: (key: Key, change: RelayChange) => void): void {
    this.#handlers.push(handler);
  }

  /** What these workspaces may send from has changed. */
  onDomains(handler: (workspaces: readonly string[]) => void): void {
    this.#domainHandlers.push(handler);
  }

  tellDomains(workspaces: readonly string[]): void {
    for (const handler of this.#domainHandlers) handler(workspaces);
  }

  /** An account has put its workspace's limits on a relay: whoever keeps them looks whether they are those of now. */
  onLimits(handler: (workspace: string) => void): void {
    this.#limitHandlers.push(handler);
  }

  tellLimits(workspace: string): void {
    for (const handler of this.#limitHandlers) handler(workspace);
  }

  get(key: Key): RelayHandle | undefined {
    return this.#handles.get(key);
  }

  values(): IterableIterator<RelayHandle> {
    return this.#handles.values();
  }

  async open(options: Omit<RelayHandleOptions, 'onChange'>): Promise<RelayHandle> {
    const present = this.#handles.get(options.key);
    if (present?.uid === options.relay.metadata.uid && present !== undefined) return present;
    if (present !== undefined) this.close(options.key);
    const handle = await RelayHandle.open({
      ...options,
      onChange: (change) => this.#tell(options.key, change),
    });
    this.#handles.set(options.key, handle);
    this.#tell(options.key, 'opened');
    return handle;
  }

  /** What clients need to know changed: every account's Secret follows. */
  setFacts(handle: RelayHandle, facts: RelayFacts): void {
    if (isEqual(handle.facts, facts)) return;
    handle.facts = facts;
    this.#tell(handle.key, 'facts');
  }

  close(key: Key): void {
    const handle = this.#handles.get(key);
    if (handle === undefined) return;
    this.#handles.delete(key);
    handle.close();
    this.#tell(key, 'closed');
  }

  closeAll(): void {
    for (const handle of this.#handles.values()) handle.close();
    this.#handles.clear();
  }

  #tell(key: Key, change: RelayChange): void {
    for (const handler of this.#handlers) handler(key, change);
  }
}
