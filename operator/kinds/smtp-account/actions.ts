/** What can be done about an account; perform.ts does it. */
import type { relayApi } from '../../api/index.ts';
import type { Secret } from '../../kube/index.ts';
import type { Key } from '../../runtime/index.ts';
import type { Answered, PreviousPassword, Published } from './published.ts';
import type { RestartTarget } from './rollout.ts';

/** Why a password is minted. */
export type MintCause =
  'Created' | 'Rotated' | 'IntervalPassed' | 'PasswordChanged' | 'SecretDeleted' | 'SecretEdited' | 'Reset';

export interface Mint {
  do: 'mint';
  cause: MintCause;
  revision: number;
  /** Undefined: one is drawn. */
  username: string | undefined;
  /** Undefined: one is drawn. */
  password: string | undefined;
  /** Verifiers that stay beside the new one. */
  keep: relayApi.Verifier[];
  previous: PreviousPassword[];
  answered: Answered;
  workspace: relayApi.WorkspaceConfig | undefined;
}

export type AccountAction =
  | Mint
  /** Take over the password of a Secret whose verifier no relay knows. */
  | { do: 'adopt'; published: Published; isSuspended: boolean }
  | {
      do: 'sync';
      entry: relayApi.AccountConfig;
      workspace: relayApi.WorkspaceConfig | undefined;
      isUrgent: boolean;
    }
  /** Wait for the pods to acknowledge. */
  | { do: 'await' }
  /** `secret`: as it is afterwards, to be put back should it be collected all the same. */
  | { do: 'own'; secret: Secret; patch: object }
  | { do: 'create'; secret: Secret }
  | { do: 'patch'; patch: object }
  /** The account is no longer there: off this relay, past the removal guard. */
  | { do: 'remove'; relay: Key; key: Key }
  /** The entry is of an account that was replaced: off this relay at once. */
  | { do: 'drop'; relay: Key; key: Key }
  /** Served by another relay now: off this one. */
  | { do: 'leave'; relay: Key; key: Key }
  | { do: 'delete-former'; published: Published }
  | { do: 'restart'; targets: RestartTarget[] };
