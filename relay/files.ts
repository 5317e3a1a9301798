/** Notices changes of files, also when they are links that a mount swaps (Secrets and ConfigMaps). */
import { type FSWatcher, watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A swap raises several events; those that come so soon after the first are one. */
const SETTLE_MS = 20;
/** Notifications get lost now and then. */
const POLL_MS = 30_000;

/**
 * Calls `onChange` after one of the files was written or replaced, and now and then anyway. Other files of their
 * folders do not count: a log or a database beside them would keep us reading.
 */
export function watchFiles(files: readonly string[], onChange: () => void): () => void {
  let settling: NodeJS.Timeout | undefined;
  let known: string | undefined;
  let isStopped = false;
  const look = async () => {
    settling = undefined;
    // Taken before the files are read: what is written meanwhile is another state, and another event.
    const seen = await stateOf(files);
    if (seen === known || isStopped) return;
    known = seen;
    onChange();
  };
  const schedule = () => {
    settling ??= setTimeout(() => void look(), SETTLE_MS).unref();
  };
  const watchers = [...new Set(files.map((file) => dirname(file)))].flatMap((folder) =>
    watchFolder(folder, schedule),
  );
  const poll = setInterval(onChange, POLL_MS);
  poll.unref();
  return () => {
    isStopped = true;
    clearTimeout(settling);
    clearInterval(poll);
    for (const watcher of watchers) watcher.close();
  };
}

/** What changes with each write and each swap of a link. */
async function stateOf(files: readonly string[]): Promise<string> {
  const states = files.map((file) =>
    stat(file, { bigint: true }).then(
      ({ dev, ino, size, mtimeNs }) => `${dev}:${ino}:${size}:${mtimeNs}`,
      () => 'none',
    ),
  );
  return (await Promise.all(states)).join(' ');
}

function watchFolder(folder: string, onEvent: () => void): FSWatcher[] {
  try {
    const watcher = watch(folder, { persistent: false }, onEvent);
    watcher.on('error', () => watcher.close());
    return [watcher];
  } catch {
    return [];
  }
}
