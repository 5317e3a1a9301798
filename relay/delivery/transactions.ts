/** Cuts a message into SMTP transactions: one route, one return path, one set of notification parameters each. Pure. */
import type { ClaimedMessage, ClaimedRecipient } from '../spool/index.ts';
import type { TransactionDsn } from './target.ts';

export interface Transaction {
  readonly routeKey: string;
  readonly from: string;
  readonly dsn: TransactionDsn | undefined;
  readonly recipients: readonly ClaimedRecipient[];
}

export interface Cutting {
  routeKey(address: string): string;
  /** An envelope sender of the recipient's own; undefined: the message's. */
  returnPath(recipient: ClaimedRecipient): string | undefined;
}

export function transactionsOf(
  message: ClaimedMessage,
  recipients: readonly ClaimedRecipient[],
  cutting: Cutting,
): Transaction[] {
  const single = recipients.map((recipient): Transaction => ({
    routeKey: cutting.routeKey(recipient.address),
    from: cutting.returnPath(recipient) ?? message.envelopeFrom,
    dsn: dsnOf(message, recipient),
    recipients: [recipient],
  }));
  const groups = Map.groupBy(single, ({ routeKey, from, dsn }) => JSON.stringify([routeKey, from, dsn]));
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first ? [{ ...first, recipients: group.flatMap((entry) => entry.recipients) }] : [];
  });
}

function dsnOf({ dsn }: ClaimedMessage, { address }: ClaimedRecipient): TransactionDsn | undefined {
  if (!dsn) return undefined;
  const { notify, orcpt } = dsn.recipients[address] ?? { notify: null, orcpt: null };
  return {
    ...(dsn.ret && { ret: dsn.ret }),
    ...(dsn.envid && { envid: dsn.envid }),
    ...(notify && { notify: [...notify] }),
    ...(orcpt && { orcpt }),
  };
}
