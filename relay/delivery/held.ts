/** Lets held mail go when a window opens, a limit is raised or an account comes back. */
import { describeCause } from '../errors.ts';
import type { Log } from '../log.ts';
import { type Calendar, type ChargeScope, chargeScopes, type Directory } from '../policy/index.ts';
import type { HeldGroup, ReleaseGroup, Spool } from '../spool/index.ts';
import { suspendedAccounts } from './suspended.ts';

export interface HeldMailOptions {
  readonly spool: Spool;
  readonly directory: Directory;
  readonly calendar: Calendar;
  readonly log: Log;
  /** Mail became due. */
  readonly onReleased: () => void;
}

/** A window that opens is looked at this long after its start: clocks of timers and windows may differ by a tick. */
const SLACK_MS = 5;
const MAX_WAIT_MS = 60_000;

export class HeldMail {
  readonly #options: HeldMailOptions;
  #timer: NodeJS.Timeout | undefined;
  #isRunning = false;
  #again = false;
  #suspended = '';
  #stopped = false;

  constructor(options: HeldMailOptions) {
    this.#options = options;
  }

  /** Mail was held, or limits or suspensions may have changed. */
  wake(): void {
    if (this.#stopped) return;
    this.#again = true;
    if (!this.#isRunning) void this.#work();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #work(): Promise<void> {
    const { log } = this.#options;
    this.#isRunning = true;
    while (this.#again && !this.#stopped) {
      this.#again = false;
      try {
        await this.#applySuspensions();
        this.#waitUntil(await this.#release());
      } catch (error) {
        log.error({ cause: describeCause(error) }, 'held mail could not be looked at');
        this.#waitUntil(Date.now() + 1_000);
      }
    }
    this.#isRunning = false;
  }

  async #applySuspensions(): Promise<void> {
    const { spool, directory, onReleased } = this.#options;
    const suspended = suspendedAccounts(directory).toSorted();
    const key = JSON.stringify(suspended);
    if (key === this.#suspended) return;
    await spool.setSuspended(suspended, Date.now());
    this.#suspended = key;
    onReleased();
  }

  /** When to look again; Infinity: nothing is held. */
  async #release(): Promise<number> {
    const { spool, onReleased } = this.#options;
    const groups = (await spool.heldGroups())
      .map((group) => this.#toRelease(group))
      .filter((group) => group !== undefined);
    if (groups.length === 0) return Infinity;
    while ((await spool.release(groups, Date.now())) > 0) onReleased();
    const ends = groups.flatMap(({ scopes }) => scopes.flatMap(limitedEnds));
    return Math.min(...ends) + SLACK_MS;
  }

  /** A deleted account's mail still goes out, under what its workspace may send. */
  #toRelease({ accountId, namespace }: HeldGroup): ReleaseGroup | undefined {
    const { directory, calendar } = this.#options;
    const account = directory.accountById(accountId);
    if (account?.suspended) return undefined;
    const time = { calendar, nowMs: Date.now() };
    const scopes = chargeScopes(
      account ?? unlimited(accountId, namespace),
      directory.workspace(namespace),
      time,
    );
    return { accountId, scopes };
  }

  #waitUntil(at: number): void {
    clearTimeout(this.#timer);
    if (!Number.isFinite(at) || this.#stopped) return;
    this.#timer = setTimeout(() => this.wake(), Math.min(Math.max(0, at - Date.now()), MAX_WAIT_MS));
    this.#timer.unref();
  }
}

function limitedEnds(scope: ChargeScope): number[] {
  return scope.windows.filter((window) => window.limit !== null).map((window) => window.endMs);
}

function unlimited(id: string, namespace: string) {
  return {
    id,
    namespace,
    name: '',
    username: '',
    verifiers: [],
    allowedSenders: [],
    limits: { onWindowLimit: 'Queue' as const },
    suspended: false,
  };
}
