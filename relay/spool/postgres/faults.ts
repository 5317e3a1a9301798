/** What a failed statement means: whether it may have happened all the same, and who is to blame. */
import { describeCause } from '../../errors.ts';

/** SQLSTATE classes and codes: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const CONNECTION_CLASSES = ['08'];
const SERVER_GOING = new Set(['57P01', '57P02', '57P03', '57P05']);
const TRY_AGAIN = new Set(['40001', '40P01']);
/** The call's own fault: bad value, broken rule. All others are the server's state and hit every call alike. */
const CALL_CLASSES = new Set(['21', '22', '23']);

export class DatabaseFault extends Error {
  readonly sqlState: string | undefined;
  /** The statement went out and no answer came: it may have been done. */
  readonly isUnknown: boolean;
  readonly isConnectionLost: boolean;

  constructor(cause: unknown, { sent }: { sent: boolean }) {
    super(describeCause(cause), { cause });
    this.name = 'DatabaseFault';
    this.sqlState = sqlStateOf(cause);
    const { sqlState } = this;
    this.isConnectionLost =
      sqlState === undefined ||
      CONNECTION_CLASSES.includes(sqlState.slice(0, 2)) ||
      SERVER_GOING.has(sqlState);
    this.isUnknown = sent && this.isConnectionLost;
  }

  static of(cause: unknown, how: { sent: boolean }): DatabaseFault {
    return cause instanceof DatabaseFault ? cause : new DatabaseFault(cause, how);
  }

  /** Nothing happened and nothing is wrong: the same again may work. */
  get isCollision(): boolean {
    return this.sqlState !== undefined && TRY_AGAIN.has(this.sqlState);
  }

  get isCallsOwn(): boolean {
    return this.sqlState !== undefined && CALL_CLASSES.has(this.sqlState.slice(0, 2));
  }
}

function sqlStateOf(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || !('code' in cause)) return undefined;
  return typeof cause.code === 'string' && /^[0-9A-Z]{5}$/.test(cause.code) ? cause.code : undefined;
}
