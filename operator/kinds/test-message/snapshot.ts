/** What a decision about a test message is made from. */
import type { Problem, SmtpAccount, TestMessage, TestMessageStatus, relayApi } from '../../api/index.ts';
import type { Decision } from '../../runtime/index.ts';
import type { SendOutcome } from './send.ts';

/** What the relay says of the Message-ID. */
export type Lookup =
  | { kind: 'found'; report: relayApi.DeliveryReport }
  | { kind: 'none' }
  | { kind: 'unavailable' }
  /** It was not asked: nothing has been sent. */
  | { kind: 'unasked' };

export interface Attempt {
  outcome: SendOutcome;
  at: Date;
  count: number;
}

export interface Snapshot {
  message: TestMessage | undefined;
  problems: readonly Problem[];
  account: SmtpAccount | undefined;
  /** The account's relay, when it is open and has a pod that serves. */
  relayHost: string | undefined;
  /** With what name the next hop is meant, for people. */
  nextHop: 'smarthost' | 'direct';
  /** Sender: spec.from, else the account's own. */
  from: string | undefined;
  lookup: Lookup;
  /** The last attempt of this process. */
  attempt: Attempt | undefined;
}

export type Action = { do: 'send'; messageId: string; from: string };
export type TestDecision = Decision<Action, TestMessageStatus>;
export type Verdict = Omit<TestDecision, 'rule'>;

/** A snapshot of a message that is there. */
export interface Case extends Snapshot {
  message: TestMessage;
  now: Date;
}
