/** Notices changes of files, also when they are links that a mount swaps (Secrets and ConfigMaps). */
import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';

/** A swap raises several events; one reading after the last of them is enough. */
const SETTLE_MS = 20;
/** Notifications get lost now and then. */
const POLL_MS = 30_000;

/** Calls `onChange` after something happened in the files' folders, and now and then anyway. */
export function watchFiles(files: readonly string[], onChange: () => void): () => void {
  let settling: NodeJS.Timeout | undefined;
  const schedule = () => {
    clearTimeout(settling);
    settling = setTimeout(onChange, SETTLE_MS);
    settling.unref();
  };
  const watchers = [...new Set(files.map((file) => dirname(file)))].flatMap((folder) =>
    watchFolder(folder, schedule),
  );
  const poll = setInterval(onChange, POLL_MS);
  poll.unref();
  return () => {
    clearTimeout(settling);
    clearInterval(poll);
    for (const watcher of watchers) watcher.close();
  };
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
