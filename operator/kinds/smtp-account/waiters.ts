/** Accounts that wait for something which is no change of their own: looked up when it happens. */
import { keyFor, refOf, type Key } from '../../runtime/index.ts';
import type { AccountSnapshot } from './snapshot.ts';

/** 'pods' of a relay; a 'slot' in a workspace; any 'relay'. */
type Awaited = 'pods' | 'slot' | 'relay';

export class Waiters {
  readonly #waiting = new Map<string, Set<Key>>();

  /** Remember what the account will wait for, should it have to. */
  note(snapshot: AccountSnapshot): void {
    const { key, relay, choice, plan, planRelay, secret } = snapshot;
    if (snapshot.account === undefined) return;
    if (choice?.found === false) this.#add('relay', '', key);
    if (relay?.acknowledged === 'none') this.#add('pods', relay.key, key);
    const isUnserved = plan?.isServed === false || planRelay !== undefined;
    if (isUnserved || secret.is === 'foreign') this.#add('slot', refOf(key).namespace, key);
  }

  take(what: Awaited, of: string): Key[] {
    const id = keyFor(what, of);
    const keys = this.#waiting.get(id);
    if (keys === undefined) return [];
    this.#waiting.delete(id);
    return [...keys];
  }

  #add(what: Awaited, of: string, key: Key): void {
    const id = keyFor(what, of);
    const keys = this.#waiting.get(id);
    if (keys === undefined) this.#waiting.set(id, new Set([key]));
    else keys.add(key);
  }
}
