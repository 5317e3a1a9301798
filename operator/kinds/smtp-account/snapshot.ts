/** What a decision about an account is made from. */
import type { Problem, relayApi, SmtpAccount } from '../../api/index.ts';
import type { EffectivePlan, RelayAnswer } from '../../policy/index.ts';
import type { RelayFacts } from '../../projection/index.ts';
import type { Key } from '../../runtime/index.ts';
import type { PreviousPassword, Published, SecretState } from './published.ts';
import type { Rollout } from './rollout.ts';

/** The relay that was chosen, once it is open. */
export interface ChosenRelay {
  key: Key;
  name: string;
  namespace: string;
  facts: RelayFacts;
  /** This account's entry as it was written last. */
  entry: relayApi.AccountConfig | undefined;
  /** Limits of the workspace as they were written last. */
  workspace: relayApi.WorkspaceConfig | undefined;
  /** Whether every serving pod has applied entry and workspace; 'none': no pod serves. */
  acknowledged: 'yes' | 'late' | 'none';
  latePods: string[];
  /** Verified domains that the workspace may send from, oldest first. */
  domains: string[];
}

export interface PlanVerdict {
  plan: EffectivePlan;
  /** Accounts of the workspace that are older; undefined when their number does not matter. */
  rank: number | undefined;
  isServed: boolean;
}

/** The brought password. */
export type PasswordSource =
  { is: 'unused' } | { is: 'missing'; message: string } | { is: 'there'; password: string };

export interface AccountSnapshot {
  key: Key;
  account: SmtpAccount | undefined;
  /** Absence from the cache is absence from the cluster. */
  isListed: boolean;
  problems: Problem[];
  choice: RelayAnswer | undefined;
  /** Undefined while the chosen relay is not open yet. */
  relay: ChosenRelay | undefined;
  /** Other relays that still serve this account. */
  elsewhere: Key[];
  plan: PlanVerdict | undefined;
  /** Another relay than the chosen one, that of the workspace's oldest account: under a plan all use that. */
  planRelay: { relay: Key; account: string } | undefined;
  secret: SecretState;
  /** See isInherited; true also for the account's own Secret. */
  isInherited: boolean;
  /** It was read a moment ago and is gone since: collected because of an owner that is gone. */
  isCollected: boolean;
  /** Index of the verifier in the entry that the published password matches; -1: none. */
  matched: number;
  /** The Secret under the name that the spec had before. */
  former: Published | undefined;
  source: PasswordSource;
  /** Where the workloads stand that follow a new password; none when they have. */
  rollouts: Rollout[];
  /** A pod accepted a password after its end: what was seen. */
  undead: string | undefined;
  lastUsed: ReadonlyMap<string, string>;
  usage: NonNullable<SmtpAccount['status']>['usage'];
  /** How often to look at the Secret. */
  secretCheckMs: number;
}

export type { PreviousPassword };
