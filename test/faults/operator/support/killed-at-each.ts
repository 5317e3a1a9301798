/** A deed done over and over, with the operator killed at its first step, at its second, and so on. */
import type { ProxiedOperator } from './proxied-operator.ts';

export interface Armed {
  /** False when no such step came before `disarm`. */
  killed: Promise<boolean>;
  disarm: () => void;
}

export interface Deed {
  /** Before the operator may be killed. */
  prepare?: (n: number) => Promise<unknown>;
  act: (n: number) => Promise<unknown>;
  /** The operator is dead: what must hold at this instant. */
  whileDead?: (n: number) => Promise<unknown>;
  converged: (n: number) => Promise<unknown>;
}

export interface Kills {
  operator: ProxiedOperator;
  arm: (n: number) => Armed;
  /** Above what the deed takes, so that a test that never ends is noticed. */
  mostSteps: number;
  /** Only every so many steps, where there are many. */
  stride?: number;
}

/** Until no step is left to be killed at. Answers how many there were. */
export async function killedAtEach(kills: Kills, deed: Deed): Promise<number> {
  const { operator, arm, mostSteps, stride = 1 } = kills;
  for (let n = 1; n <= mostSteps; n += stride) {
    await deed.prepare?.(n);
    const { killed, disarm } = arm(n);
    await deed.act(n);
    const finished = deed.converged(n).then(disarm, disarm);
    const isKilled = await killed;
    if (isKilled) {
      await operator.kill();
      await deed.whileDead?.(n);
      await operator.run();
    }
    await finished;
    await deed.converged(n);
    if (!isKilled) return n - 1;
  }
  throw new Error(`more than ${mostSteps} steps`);
}
