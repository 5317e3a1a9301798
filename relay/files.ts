/** Notices changes of files, also when they are links that a mount swaps (Secrets and ConfigMaps). */
import { type FSWatcher, watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

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
    watchFolder(folder, (name) => {
      if (concerns(files, name)) schedule();
    }),
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

/** Whether an event of that name may change what the files hold; a mount swaps the link `..data` beside them. */
function concerns(files: readonly string[], name: string | null): boolean {
  return name === null || name.startsWith('..') || files.some((file) => basename(file) === name);
}

function watchFolder(folder: string, onEvent: (name: string | null) => void): FSWatcher[] {
  try {
    const watcher = watch(folder, { persistent: false }, (_, name) => onEvent(name));
    watcher.on('error', () => watcher.close());
    return [watcher];
  } catch {
    return [];
  }
}
