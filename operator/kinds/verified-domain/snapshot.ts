/** What the decision about a domain is made from, and what it may do. */
import type { Problem, VerifiedDomain, VerifiedDomainStatus, relayApi } from '../../api/index.ts';
import type { RelayAnswer } from '../../policy/index.ts';
import type { Decision } from '../../runtime/index.ts';
import type { Claim } from './claims.ts';
import type { Check } from './findings.ts';
import type { DkimKeyType, Ledger } from './ledger.ts';
import type { Grace } from './proof.ts';
import type { RequiredRecord } from './records.ts';

/** How the relay's pods stand to the domain's entry. */
export interface Serving {
  /** As written to the shards last. */
  entry: relayApi.DomainConfig | undefined;
  /** Whether every pod that serves has applied it; 'closed': the relay's shards are not open yet. */
  pods: 'applied' | 'late' | 'none' | 'closed';
  /** Another relay still has the domain. */
  isElsewhere: boolean;
}

export interface Snapshot {
  key: string;
  /** Undefined: it is gone, if `isListed`. */
  domain: VerifiedDomain | undefined;
  /** Its namespace is watched and was listed completely. */
  isListed: boolean;
  /** What is wrong with its spec, in the words of the API server's rules. */
  problems: readonly Problem[];
  relay: RelayAnswer;
  /** Name that clients know the relay by; undefined until the relay has been opened. */
  relayAddress: string | undefined;
  ledger: Ledger | undefined;
  /** Why the ledger cannot be read. */
  damage: string | undefined;
  /** Other claims to the same domain on the same relay. */
  rivals: readonly Claim[];
  /** The last check that this process made. */
  check: (Check & { of: string }) | undefined;
  /** When this declaration was seen first: where the waiting for its records begins. */
  since: Date;
  serving: Serving;
  /** Namespaces that the domain admits, its own included. */
  workspaces: readonly string[];
  grace: Grace;
}

export type Action =
  /** Make and keep a DKIM key; the ledger comes to be with the first one. */
  | { do: 'makeKey'; keyType: DkimKeyType }
  | { do: 'dropKey'; selector: string }
  /** Make the ledger go, or not go, with its relay. */
  | { do: 'saveLedger' }
  /** Ask DNS for all records, and keep what it proves. `of` names the declaration that is checked. */
  | { do: 'check'; records: readonly RequiredRecord[]; of: string }
  /** Put the domain on its relay, or take it off with undefined; it is on no other. */
  | { do: 'serve'; entry: relayApi.DomainConfig | undefined };

export type DomainDecision = Decision<Action, VerifiedDomainStatus>;
