import { RelayError } from '../errors.ts';

export interface Limit {
  readonly ms: number;
  readonly host: string;
  /** What was being done, for the error. */
  readonly stage: string;
}

/** Waits for `work` and no longer than the limit; then `abort` is called and R_UPSTREAM_TIMEOUT thrown. */
export async function withDeadline<T>(limit: Limit, work: Promise<T>, abort: () => void): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const { host, stage, ms } = limit;
      reject(new RelayError('R_UPSTREAM_TIMEOUT', { host, stage, seconds: Math.round(ms / 1_000) }));
      abort();
    }, limit.ms);
  });
  work.catch(() => undefined);
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
