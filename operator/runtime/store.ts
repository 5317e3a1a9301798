/** Objects by key, with indexes that are kept as objects come and go. */
import type { AnyObject } from '../kube/index.ts';
import { keyOf, type Key } from './keys.ts';

/** Values under which an object is found. */
export type IndexFunction<T> = (object: T) => readonly string[];

export class Store<T extends AnyObject> {
  readonly #objects = new Map<Key, T>();
  readonly #functions: Record<string, IndexFunction<T>>;
  readonly #indexes = new Map<string, Map<string, Set<Key>>>();

  constructor(indexes: Record<string, IndexFunction<T>> = {}) {
    this.#functions = indexes;
    for (const name of Object.keys(indexes)) this.#indexes.set(name, new Map());
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: Key): T | undefined {
    return this.#objects.get(key);
  }

  values(): IterableIterator<T> {
    return this.#objects.values();
  }

  /** Objects whose index function named this value. */
  byIndex(index: string, value: string): T[] {
    const keys = this.#indexes.get(index)?.get(value);
    const found: T[] = [];
    for (const key of keys ?? []) {
      const object = this.#objects.get(key);
      if (object !== undefined) found.push(object);
    }
    return found;
  }

  /** Put or replace; returns what was there. */
  set(object: T): T | undefined {
    const key = keyOf(object);
    const previous = this.#objects.get(key);
    if (previous !== undefined) this.#unindex(key, previous);
    this.#objects.set(key, object);
    for (const [name, valuesOf] of Object.entries(this.#functions)) {
      const index = this.#indexes.get(name)!;
      for (const value of valuesOf(object)) {
        const keys = index.get(value);
        if (keys === undefined) index.set(value, new Set([key]));
        else keys.add(key);
      }
    }
    return previous;
  }

  delete(key: Key): T | undefined {
    const previous = this.#objects.get(key);
    if (previous === undefined) return undefined;
    this.#unindex(key, previous);
    this.#objects.delete(key);
    return previous;
  }

  #unindex(key: Key, object: T): void {
    for (const [name, valuesOf] of Object.entries(this.#functions)) {
      const index = this.#indexes.get(name)!;
      for (const value of valuesOf(object)) {
        const keys = index.get(value);
        keys?.delete(key);
        if (keys?.size === 0) index.delete(value);
      }
    }
  }
}
