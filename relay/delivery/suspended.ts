import type { Directory } from '../policy/index.ts';

/** Accounts whose queued mail waits. */
export function suspendedAccounts(directory: Directory): string[] {
  return [...directory.accounts()].filter((account) => account.suspended).map(({ id }) => id);
}
