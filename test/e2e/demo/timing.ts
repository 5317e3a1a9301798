/** When something became true, taken from watches of the API server rather than from polling. */
import type { Cluster } from '../../cluster/index.ts';

/** Path of an API collection and the name of one object in it. */
export interface ObjectPath {
  collection: string;
  name: string;
}

export interface Seen<T> {
  object: T;
  /** Milliseconds since 1970 at which the event was received. */
  at: number;
}

/** The first event about an object for which `matches` holds; its present state counts. Rejects after the time limit. */
export async function firstMatch<T>(
  cluster: Cluster,
  path: ObjectPath,
  matches: (object: T, type: string) => boolean,
  timeoutMs = 60_000,
): Promise<Seen<T>> {
  const limit = AbortSignal.timeout(timeoutMs);
  const done = new AbortController();
  const query = `?watch=true&fieldSelector=metadata.name=${path.name}`;
  try {
    for await (const event of cluster.api.watch<T>(
      `${path.collection}${query}`,
      AbortSignal.any([limit, done.signal]),
    )) {
      if (matches(event.object, event.type)) return { object: event.object, at: Date.now() };
    }
  } catch (cause) {
    if (!limit.aborted) throw cause;
  } finally {
    done.abort();
  }
  throw new Error(`${path.name}: what was waited for did not happen within ${timeoutMs / 1000} s`);
}

/** Repeat a question until the answer satisfies, without pause: each answer takes its own time. */
export async function repeatUntil<T>(
  what: string,
  ask: () => Promise<T>,
  satisfies: (answer: T) => boolean,
  timeoutMs = 30_000,
): Promise<{ answer: T; at: number; asked: number }> {
  const deadline = Date.now() + timeoutMs;
  for (let asked = 1; ; asked++) {
    const answer = await ask();
    if (satisfies(answer)) return { answer, at: Date.now(), asked };
    if (Date.now() > deadline)
      throw new Error(`${what}: not within ${timeoutMs / 1000} s, last ${JSON.stringify(answer)}`);
  }
}
