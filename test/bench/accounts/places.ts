/** Where the accounts of a benchmark are: spread over twenty workspaces, each under a plan. */
import { API_VERSION, type SmtpAccount } from '../../../operator/api/index.ts';
import { isAlreadyExists, isKubeError, SmtpAccounts, type KubeClient } from '../../../operator/kube/index.ts';

export const WORKSPACES = 20;
export const MAX_ACCOUNTS = 1_000;

export interface Place {
  namespace: string;
  name: string;
}

export function workspaceName(index: number): string {
  return `bench-${String(index).padStart(2, '0')}`;
}

export function placesOf(count: number, prefix: string): Place[] {
  if (count > WORKSPACES * MAX_ACCOUNTS) throw new Error(`at most ${WORKSPACES * MAX_ACCOUNTS} accounts`);
  return Array.from({ length: count }, (_, i) => ({
    namespace: workspaceName(i % WORKSPACES),
    name: `${prefix}${String(i).padStart(5, '0')}`,
  }));
}

function accountOf(place: Place): SmtpAccount {
  return { apiVersion: API_VERSION, kind: 'SmtpAccount', metadata: { ...place }, spec: {} };
}

/**
 * Creates the account; again where the API server gave up counting it: each of its own attempts to write the quota met
 * with somebody else's. Clients are told to send such a request again.
 */
export async function createAccount(client: KubeClient, place: Place): Promise<SmtpAccount> {
  for (;;) {
    try {
      return await client.create(SmtpAccounts, accountOf(place));
    } catch (error) {
      if (!isKubeError(error, 'Conflict') || isAlreadyExists(error)) throw error;
    }
  }
}
