/** Where the accounts of a benchmark are: spread over twenty workspaces, each under a plan. */
import { API_VERSION, type SmtpAccount } from '../../../operator/api/index.ts';

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

export function accountOf(place: Place): SmtpAccount {
  return { apiVersion: API_VERSION, kind: 'SmtpAccount', metadata: { ...place }, spec: {} };
}
