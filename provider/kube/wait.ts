import type { KubeClient } from './client.ts';
import { ApiError, ConnectionError } from './failure.ts';
import type { KubeObject, ResourcePath } from './objects.ts';

/** What a look at an object tells: undefined while there is nothing to tell yet. */
export type Verdict<T> = T | undefined;

/**
 * Follows an object by watch from a known state on until the verdict is in; `undefined` stands for an object
 * that is gone. The watch answers within milliseconds of a change, and costs nothing while there is none.
 */
export async function follow<T>(
  client: KubeClient,
  path: ResourcePath,
  start: KubeObject | undefined,
  judge: (object: KubeObject | undefined) => Verdict<T>,
  signal: AbortSignal,
): Promise<T> {
  let current = start;
  for (;;) {
    const verdict = judge(current);
    if (verdict !== undefined) return verdict;
    const next = await watchOnce(client, path, current, judge, signal);
    if ('verdict' in next) return next.verdict;
    signal.throwIfAborted();
    // The watch ended by itself or was too old: look at the object as it is now and watch from there.
    current = await client.get(path, signal);
  }
}

async function watchOnce<T>(
  client: KubeClient,
  path: ResourcePath,
  from: KubeObject | undefined,
  judge: (object: KubeObject | undefined) => Verdict<T>,
  signal: AbortSignal,
): Promise<{ verdict: T } | { isOver: true }> {
  const done = new AbortController();
  const version = from?.metadata.resourceVersion ?? '';
  try {
    for await (const { type, object } of client.watch(
      path,
      version,
      AbortSignal.any([signal, done.signal]),
    )) {
      if (type === 'ERROR') return { isOver: true };
      if (type === 'BOOKMARK') continue;
      const verdict = judge(type === 'DELETED' ? undefined : object);
      if (verdict !== undefined) return { verdict };
    }
  } catch (cause) {
    if (!isPassing(cause)) throw cause;
  } finally {
    done.abort();
  }
  return { isOver: true };
}

function isPassing(cause: unknown): boolean {
  return cause instanceof ConnectionError || (cause instanceof ApiError && cause.status === 410);
}
