/** Logins on many pods, only so many at a time on each: a proof must not crowd out clients. */
import { relayApi } from '../api/index.ts';
import { login, type LoginOutcome, type LoginTarget } from './smtp-login.ts';

export interface Proof {
  pod: string;
  outcome: LoginOutcome;
}

const MOST_AT_ONCE = 12;

export class LoginProver {
  readonly #running = new Map<string, { count: number; waiting: (() => void)[] }>();

  /** Log in on each pod, side by side. */
  prove(
    pods: readonly { name: string; address: string }[],
    target: Pick<LoginTarget, 'servername' | 'ca'>,
    credentials: { username: string; password: string },
    timeoutMs?: number,
  ): Promise<Proof[]> {
    return Promise.all(
      pods.map(async ({ name, address }) => {
        const port = relayApi.STARTTLS_PORT;
        const outcome = await this.#inTurn(address, () =>
          login({ ...target, address, port }, credentials, timeoutMs),
        );
        return { pod: name, outcome };
      }),
    );
  }

  async #inTurn<T>(address: string, run: () => Promise<T>): Promise<T> {
    const turn = this.#running.get(address) ?? { count: 0, waiting: [] };
    this.#running.set(address, turn);
    if (turn.count >= MOST_AT_ONCE) await new Promise<void>((resolve) => turn.waiting.push(resolve));
    else turn.count++;
    try {
      return await run();
    } finally {
      const next = turn.waiting.shift();
      if (next !== undefined) next();
      else turn.count--;
      if (turn.count === 0) this.#running.delete(address);
    }
  }
}
