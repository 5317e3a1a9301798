/** What messages are charged to, remembered between the messages of an account. */
import { type ChargeScope, chargeScopes } from './charge.ts';
import type { Account, Workspace } from './directory.ts';
import type { Calendar } from './windows.ts';

/** Accounts remembered; one that is forgotten costs its windows once more. */
const MAX_KNOWN = 1_000;

interface Known {
  readonly workspace: Workspace | undefined;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly scopes: readonly ChargeScope[];
}

/** Scopes of the accounts that send, for as long as their windows last: mail of one account comes in runs. */
export class KnownScopes {
  readonly #calendar: Calendar;
  readonly #known = new Map<Account, Known>();

  constructor(calendar: Calendar) {
    this.#calendar = calendar;
  }

  /** As `chargeScopes`; the same objects while nothing changes. */
  of(account: Account, workspace: Workspace | undefined, nowMs: number): readonly ChargeScope[] {
    const known = this.#known.get(account);
    if (known?.workspace === workspace && known && known.fromMs <= nowMs && nowMs < known.untilMs) {
      return known.scopes;
    }
    const scopes = chargeScopes(account, workspace, { calendar: this.#calendar, nowMs });
    const windows = scopes.flatMap((scope) => scope.windows);
    const fromMs = Math.max(...windows.map((window) => window.startMs));
    const untilMs = Math.min(...windows.map((window) => window.endMs));
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(account, { workspace, fromMs, untilMs, scopes });
    return scopes;
  }
}
