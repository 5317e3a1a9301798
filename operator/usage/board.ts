/** The newest usage figures of every relay that is open. */
import type { relayApi } from '../api/index.ts';
import type { RelayHandle, RelayRegistry } from '../projection/index.ts';
import type { Key, Log } from '../runtime/index.ts';

export interface UsageBoardOptions {
  relays: RelayRegistry;
  log: Log;
  /** Time between two questions to a relay. */
  everyMs?: number;
}

export interface WorkspaceFigures {
  asOf: string;
  workspace: relayApi.WorkspaceUsage;
}

export interface AccountFigures {
  asOf: string;
  account: relayApi.AccountUsage;
}

/** A relay's answer, found by namespace and by UID: every account asks in every round. */
interface Answer {
  asOf: string;
  workspaces: ReadonlyMap<string, relayApi.WorkspaceUsage>;
  accounts: ReadonlyMap<string, relayApi.AccountUsage>;
}

const MINUTE_MS = 60_000;

export class UsageBoard {
  readonly #options: UsageBoardOptions;
  readonly #answers = new Map<Key, Answer>();
  readonly #listeners: (() => void)[] = [];

  constructor(options: UsageBoardOptions) {
    this.#options = options;
    options.relays.onChange((key, change) => {
      if (change === 'closed') this.#answers.delete(key);
    });
  }

  /** Called after every round that brought figures. */
  onRound(listener: () => void): void {
    this.#listeners.push(listener);
  }

  start(): void {
    const everyMs = this.#options.everyMs ?? MINUTE_MS;
    setInterval(() => void this.round(), everyMs).unref();
  }

  /** Ask every relay once. A relay that does not answer keeps its last figures. */
  async round(): Promise<void> {
    const handles = [...this.#options.relays.values()];
    if (handles.length === 0) return;
    await Promise.all(handles.map((handle) => this.#ask(handle)));
    for (const listener of this.#listeners) listener();
  }

  /** What the relays have counted for a namespace; the newest answer, when several have. */
  workspace(namespace: string): WorkspaceFigures | undefined {
    return this.#newest((answer) => {
      const workspace = answer.workspaces.get(namespace);
      return workspace && { asOf: answer.asOf, workspace };
    });
  }

  /** By the UID of the SmtpAccount. */
  account(id: string): AccountFigures | undefined {
    return this.#newest((answer) => {
      const account = answer.accounts.get(id);
      return account && { asOf: answer.asOf, account };
    });
  }

  #newest<T extends { asOf: string }>(pick: (answer: Answer) => T | undefined): T | undefined {
    const found = [...this.#answers.values()].flatMap((answer) => pick(answer) ?? []);
    return found.toSorted((a, b) => Date.parse(b.asOf) - Date.parse(a.asOf))[0];
  }

  async #ask(handle: RelayHandle): Promise<void> {
    try {
      const answer = await handle.anyPod?.admin.usage();
      if (answer === undefined) return;
      const { asOf, workspaces, accounts } = answer;
      this.#answers.set(handle.key, {
        asOf,
        workspaces: new Map(workspaces.map((entry) => [entry.namespace, entry])),
        accounts: new Map(accounts.map((entry) => [entry.id, entry])),
      });
    } catch (error) {
      this.#options.log.debug({ relay: handle.key, err: error }, 'usage was not read');
    }
  }
}
