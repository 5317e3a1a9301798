/** Deletes finished messages once their reports are older than the relay keeps them. */
import type { Directory } from './policy/index.ts';
import type { Spool } from './spool/index.ts';

const SWEEP_MS = 3_600_000;

/** Sweeps now and every hour; answers how to stop. */
export function startRetention(
  spool: Spool,
  directory: Directory,
  failed: (error: unknown) => void,
): () => void {
  let stopped = false;
  const sweep = async () => {
    const keptS = directory.settings?.retention.reportsSeconds;
    // Not known yet: what is deleted now may be what is to be kept for long.
    if (keptS === undefined) return;
    const now = Date.now();
    for (;;) if (stopped || (await spool.sweep(now - keptS * 1_000, now)) === 0) return;
  };
  const run = () => void sweep().catch((error: unknown) => stopped || failed(error));
  const timer = setInterval(run, SWEEP_MS);
  timer.unref();
  run();
  return () => {
    stopped = true;
    clearInterval(timer);
  };
}
