/** What people are told of a new password, as an event of the account. Pure. */
import { SmtpAccounts } from '../../kube/index.ts';
import type { EventDraft } from '../../runtime/index.ts';
import type { MintCause } from './actions.ts';
import { secretNameOf, type PreviousPassword } from './published.ts';
import type { Performer } from './secret-writer.ts';
import type { SmtpAccount } from '../../api/index.ts';

/** A first password is what was asked for; a reset is told before it is done. */
const WHY: Partial<Record<MintCause, string>> = {
  Rotated: 'spec.rotation.revision was raised',
  IntervalPassed: 'spec.rotation.interval has passed',
  PasswordChanged: 'the Secret that spec.passwordFrom names holds it',
  SecretDeleted: 'somebody deleted the Secret',
  SecretEdited: 'the Secret held a password that was never issued',
};
const ALARMING: ReadonlySet<MintCause> = new Set(['SecretDeleted', 'SecretEdited']);

export interface NewPassword {
  cause: MintCause;
  revision: number;
  previous: readonly PreviousPassword[];
}

export function announcement(account: SmtpAccount, password: NewPassword): EventDraft | undefined {
  const { cause, revision, previous } = password;
  const why = WHY[cause];
  if (why === undefined) return undefined;
  const [last] = previous.toSorted((a, b) => b.revision - a.revision);
  const end =
    last === undefined
      ? 'no earlier one logs in'
      : `revision ${last.revision} logs in until ${last.validUntil}`;
  const type = ALARMING.has(cause) ? 'Warning' : 'Normal';
  const message = `a new password, revision ${revision}, is in Secret ${secretNameOf(account)}: ${why}; ${end}`;
  return { type, reason: 'NewPassword', message };
}

/** In a wave each event would be a write more for what status says too; what is alarming is told always. */
export function announce(
  performer: Performer,
  account: SmtpAccount,
  password: NewPassword,
  isWave: boolean,
): void {
  const draft = announcement(account, password);
  if (draft === undefined || (isWave && draft.type === 'Normal')) return;
  performer.context.events.record(SmtpAccounts, account, draft);
}
