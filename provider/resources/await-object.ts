import type { Diagnostic, ValueObject } from '../core/index.ts';
import { error } from '../core/index.ts';
import { follow, type KubeObject } from '../kube/index.ts';
import type { Progress } from './kind-behaviour.ts';
import { unfinished, type Session } from './session.ts';

/** How long a Stalled object is given to recover: what it misses may be a resource of the same apply. */
const STALLED_GRACE_MS = 15_000;

export interface Awaited {
  /** The object as last seen; undefined when it was deleted meanwhile. */
  readonly last: KubeObject | undefined;
  /** Why the wait ended without success. */
  readonly problem?: Diagnostic;
}

export interface Wait {
  readonly start: KubeObject;
  readonly declared: ValueObject;
  readonly isNew: boolean;
  judge(object: KubeObject, declared: ValueObject): Progress;
}

/** Follows an object by watch until it is done, cannot get done, or time is up. */
export async function awaitObject(session: Session, wait: Wait): Promise<Awaited> {
  const { client, path, signal, title } = session;
  const stall = new StallTimer();
  let last: KubeObject | undefined = wait.start;
  const judge = (found: KubeObject | undefined) => {
    last = found;
    const progress = found ? wait.judge(found, wait.declared) : { failed: 'it was deleted meanwhile' };
    stall.note(typeof progress === 'object' && 'stalled' in progress ? progress.stalled : undefined);
    if (progress === 'waiting' || (typeof progress === 'object' && 'stalled' in progress)) return undefined;
    return progress;
  };
  try {
    const verdict = await follow(client, path, wait.start, judge, AbortSignal.any([signal, stall.signal]));
    return verdict === 'done' ? { last } : { last, problem: hopeless(title, verdict.failed) };
  } catch (cause) {
    if (signal.aborted) return { last, problem: await unfinished(session, last, wait.isNew) };
    if (stall.signal.aborted) return { last, problem: hopeless(title, stall.words) };
    throw cause;
  } finally {
    stall.note(undefined);
  }
}

/** Fires when an object has been stalled without a break for the length of the grace. */
class StallTimer {
  readonly #abort = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  words = '';

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  note(stalled: string | undefined): void {
    if (stalled === undefined) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      return;
    }
    this.words = stalled;
    this.#timer ??= setTimeout(() => this.#abort.abort(), STALLED_GRACE_MS);
  }
}

function hopeless(title: string, words: string): Diagnostic {
  return error(
    'The object cannot get ready',
    `${title}: ${words}. Waiting longer does not help; mend the cause and run again.`,
  );
}
