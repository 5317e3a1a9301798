/** One watch: a long answer, one JSON event a line. Ends when the server ends it; the informer opens the next. */
import type { Dispatcher } from 'undici';
import { errorOfAnswer, errorOfFailure, KubeError } from './errors.ts';
import { collectionPath } from './paths.ts';
import type { AnyObject, Resource, WatchEvent } from './types.ts';

export interface WatchOptions {
  resourceVersion: string;
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  /** The server ends the watch after this. */
  timeoutSeconds: number;
  /** Without a byte for this long the connection counts as dead. Bookmarks come every minute or so. */
  idleMs: number;
  signal: AbortSignal;
}

/** The connections that watches have for themselves. */
export interface WatchTransport {
  dispatcher: Dispatcher;
  origin: string;
  headers: () => Record<string, string>;
}

interface RawEvent {
  type: string;
  object: AnyObject & { code?: number; reason?: string; message?: string };
}

export async function* openWatch<T extends AnyObject>(
  type: Resource<T>,
  options: WatchOptions,
  transport: WatchTransport,
): AsyncGenerator<WatchEvent<T>, void, void> {
  const path = collectionPath(type, options.namespace);
  const failed = { method: 'GET', path, sensitive: type.sensitive };
  const query = new URLSearchParams({
    watch: 'true',
    allowWatchBookmarks: 'true',
    resourceVersion: options.resourceVersion,
    timeoutSeconds: String(options.timeoutSeconds),
  });
  if (options.labelSelector !== undefined) query.set('labelSelector', options.labelSelector);
  if (options.fieldSelector !== undefined) query.set('fieldSelector', options.fieldSelector);
  try {
    const answer = await transport.dispatcher.request({
      origin: transport.origin,
      path: `${path}?${query.toString()}`,
      method: 'GET',
      headers: transport.headers(),
      signal: options.signal,
      bodyTimeout: options.idleMs,
    });
    if (answer.statusCode >= 400) {
      throw errorOfAnswer(failed, answer.statusCode, await answer.body.text(), undefined);
    }
    for await (const line of linesOf(answer.body)) {
      yield eventOf<T>(JSON.parse(line) as RawEvent, failed);
    }
  } catch (error) {
    throw error instanceof KubeError ? error : errorOfFailure(failed, error);
  }
}

function eventOf<T extends AnyObject>(
  event: RawEvent,
  failed: { method: string; path: string; sensitive: boolean },
): WatchEvent<T> {
  switch (event.type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return { type: event.type, object: event.object as unknown as T };
    case 'BOOKMARK':
      return { type: 'BOOKMARK', resourceVersion: event.object.metadata.resourceVersion ?? '' };
    default:
      // An ERROR event carries a Status; 410 means that the history which we asked for is gone.
      throw errorOfAnswer(failed, event.object.code ?? 500, JSON.stringify(event.object), undefined);
  }
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const text = rest + decoder.decode(chunk, { stream: true });
    let start = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      if (end > start) yield text.slice(start, end);
      start = end + 1;
    }
    rest = text.slice(start);
  }
}
