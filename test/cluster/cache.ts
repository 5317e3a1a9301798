import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Folder that holds everything this part ever writes: packages, builds, cluster state. `make clean-all` removes it. */
export function cacheRoot(): string {
  const base = process.env['XDG_CACHE_HOME'];
  return join(base === undefined || base === '' ? join(homedir(), '.cache') : base, 'migosmtp');
}

/**
 * Runs `work` while holding an exclusive lock that other processes respect. The kernel drops the lock with the
 * process, so a killed build never leaves it behind (a lock file with a pid in it could).
 * @param onWait called once when somebody else holds the lock
 */
export async function withLock<T>(name: string, work: () => Promise<T>, onWait?: () => void): Promise<T> {
  const folder = join(cacheRoot(), 'locks');
  await mkdir(folder, { recursive: true });
  const holder = spawn('flock', ['-x', join(folder, name), 'sh', '-c', 'echo held; exec cat >/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const timer = setTimeout(() => onWait?.(), 300);
  try {
    await new Promise<void>((resolve, reject) => {
      holder.once('error', reject);
      holder.once('exit', (code) =>
        reject(new Error(`cannot take the lock ${name} (flock ended with ${code})`)),
      );
      holder.stdout.once('data', () => resolve());
    });
    clearTimeout(timer);
    return await work();
  } finally {
    clearTimeout(timer);
    holder.stdin.end();
  }
}
