/**
 * The credentials Secret as the operator wrote it: the only place of a password, and the record of what must be known
 * again after a restart or a restore (username, revision, answered triggers, ends of earlier passwords). Pure.
 */
import type { SmtpAccount } from '../../api/index.ts';
import type { Secret } from '../../kube/index.ts';
import {
  readAnswered,
  readOwned,
  readPrevious,
  readRevision,
  readRollout,
  readTime,
  type Answered,
  type Owned,
  type PendingRollout,
  type PreviousPassword,
} from './annotations.ts';

export type { Answered, Owned, PendingRollout, PreviousPassword };

/** Label of every credentials Secret. Without it a Secret of that name is somebody else's. */
export const TYPE_LABEL = 'migosmtp.com/type';
export const TYPE_VALUE = 'credentials';

export const ANNOTATIONS = {
  account: 'migosmtp.com/account',
  uid: 'migosmtp.com/account-uid',
  relay: 'migosmtp.com/relay',
  revision: 'migosmtp.com/credentials-revision',
  verifier: 'migosmtp.com/verifier',
  /** UID of a Secret that came from a backup, once it was taken over: what is recreated later is told from what is restored. */
  adopted: 'migosmtp.com/adopted',
  issuedAt: 'migosmtp.com/issued-at',
  answered: 'migosmtp.com/answered',
  previous: 'migosmtp.com/previous',
  /** There only while workloads follow a new password. */
  rollout: 'migosmtp.com/rollout',
  /** What we wrote, by name: so that it can be taken back when it is no longer wanted. */
  owned: 'migosmtp.com/owned',
} as const;

export interface Published {
  secret: Secret;
  /** UID of the account that it was written for; another one after a restore, or when the account was created anew. */
  uid: string | undefined;
  username: string;
  password: string;
  revision: number;
  verifierId: string | undefined;
  issuedAt: string | undefined;
  answered: Answered;
  previous: PreviousPassword[];
  /** Undefined when every workload has the present password. */
  rollout: PendingRollout | undefined;
  owned: Owned;
}

export type SecretState =
  | { is: 'absent' }
  /** Not ours: never overwritten. `why` names the reason. */
  | { is: 'foreign'; why: string }
  | { is: 'ours'; published: Published };

export function secretNameOf(account: SmtpAccount): string {
  return account.spec.secret?.name ?? `${account.metadata.name}-smtp`;
}

/** Reads a Secret of the account's Secret name. */
export function readPublished(account: SmtpAccount, secret: Secret | undefined): SecretState {
  if (secret === undefined) return { is: 'absent' };
  const { labels = {}, annotations = {} } = secret.metadata;
  if (labels[TYPE_LABEL] !== TYPE_VALUE)
    return { is: 'foreign', why: `it has no label ${TYPE_LABEL}=${TYPE_VALUE}` };
  const owner = annotations[ANNOTATIONS.account];
  if (owner !== account.metadata.name) {
    return { is: 'foreign', why: `it belongs to SmtpAccount ${owner ?? '(none)'}` };
  }
  return {
    is: 'ours',
    published: {
      secret,
      uid: annotations[ANNOTATIONS.uid],
      username: valueOf(secret, 'username', 'SMTP_USERNAME') ?? '',
      password: valueOf(secret, 'password', 'SMTP_PASSWORD') ?? '',
      revision: readRevision(annotations[ANNOTATIONS.revision]),
      verifierId: annotations[ANNOTATIONS.verifier],
      issuedAt: readTime(annotations[ANNOTATIONS.issuedAt]),
      answered: readAnswered(annotations[ANNOTATIONS.answered]),
      previous: readPrevious(annotations[ANNOTATIONS.previous]),
      rollout: readRollout(annotations[ANNOTATIONS.rollout]),
      owned: readOwned(annotations[ANNOTATIONS.owned]),
    },
  };
}

/** Of this very account. */
export function isOwn(account: SmtpAccount, state: SecretState): boolean {
  return state.is === 'ours' && state.published.uid === account.metadata.uid;
}

/**
 * Whether a Secret of another account object is kept for this one. It is after a restore or a migration, and when it
 * was retained; it is not when the account was deleted and created anew: then it is about to be collected, and the new
 * account gets a new password. The Secret of a restored cluster is younger than the password in it.
 */
export function isInherited({ secret, issuedAt }: Published, account: SmtpAccount): boolean {
  const owners = (secret.metadata.ownerReferences ?? []).filter(({ kind }) => kind === 'SmtpAccount');
  if (owners.every(({ uid }) => uid === account.metadata.uid)) return true;
  const adopted = secret.metadata.annotations?.[ANNOTATIONS.adopted];
  const isTaken = adopted !== undefined && adopted === secret.metadata.uid;
  return isRestored({ secret, issuedAt }) && !isTaken;
}

/** Younger than the password in it: somebody has put it there, or it was renamed. */
export function isRestored({ secret, issuedAt }: Pick<Published, 'secret' | 'issuedAt'>): boolean {
  const createdAt = Date.parse(secret.metadata.creationTimestamp ?? '');
  return issuedAt !== undefined && createdAt - Date.parse(issuedAt) > CLOCK_SKEW_MS;
}

const CLOCK_SKEW_MS = 60_000;

/** The two forms must agree; when somebody changed one of them, none is right. */
function valueOf(secret: Secret, binding: string, env: string): string | undefined {
  const values = [binding, env].flatMap((key) => {
    const value = secret.data?.[key];
    return value === undefined ? [] : [Buffer.from(value, 'base64').toString('utf8')];
  });
  return values.every((value) => value === values[0]) ? values[0] : undefined;
}
