/**
 * The objects of each workspace, oldest first, kept as they come and go: which of them have service is asked for each of
 * ten thousand, several times, and must not cost a look at all the others.
 */
import { byAge, type Aged } from './plan.ts';

export class AgeOrder {
  readonly #workspaces = new Map<string, Aged[]>();

  add(namespace: string, { metadata }: Aged): void {
    const { name, creationTimestamp } = metadata;
    // Not the object itself: it changes, and what was replaced would stay in memory.
    const entry: Aged = {
      metadata: { name, ...(creationTimestamp === undefined ? {} : { creationTimestamp }) },
    };
    const order = this.#workspaces.get(namespace);
    if (order === undefined) {
      this.#workspaces.set(namespace, [entry]);
      return;
    }
    const rank = rankIn(order, entry);
    if (!isAt(order, rank, entry)) order.splice(rank, 0, entry);
  }

  remove(namespace: string, object: Aged): void {
    const order = this.#workspaces.get(namespace);
    if (order === undefined) return;
    const rank = rankIn(order, object);
    if (isAt(order, rank, object)) order.splice(rank, 1);
    if (order.length === 0) this.#workspaces.delete(namespace);
  }

  /** Names and ages, oldest first. */
  of(namespace: string): readonly Aged[] {
    return this.#workspaces.get(namespace) ?? [];
  }

  /** How many of the workspace are older than this one. */
  rankOf(namespace: string, object: Aged): number {
    return rankIn(this.of(namespace), object);
  }
}

/** By halves: the first place whose object is not older. */
function rankIn(order: readonly Aged[], object: Aged): number {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (byAge(order[middle]!, object) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isAt(order: readonly Aged[], place: number, object: Aged): boolean {
  const found = order[place];
  return found !== undefined && byAge(found, object) === 0;
}
