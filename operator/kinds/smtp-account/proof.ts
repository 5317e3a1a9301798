/** What the relay's pods must show before a step counts: acknowledged, logs in, no longer logs in. */
import type { LoginProver, Proof } from '../../login/index.ts';
import type { Placement, RelayHandle } from '../../projection/index.ts';
import { pause } from '../../runtime/index.ts';
import { noPodReady } from './outcomes.ts';
import { REASONS } from './reasons.ts';

/** The relay cannot confirm now. Temporary; the reason goes into the conditions. */
export class RelayProblem extends Error {
  readonly kind = 'Temporary';
  readonly reason: string;
  /** A password that should be dead was accepted. */
  readonly isAccepted: boolean;
  constructor(reason: string, message: string, isAccepted = false) {
    super(message);
    this.name = 'RelayProblem';
    this.reason = reason;
    this.isAccepted = isAccepted;
  }
}

const APPLY_MS = 5_000;
/** Attempts on a pod that cannot say, 50 ms apart. */
const TRIES = 4;
/** Relays answer wrong passwords of one address later and later, by up to five seconds. */
const REFUSAL_MS = 12_000;

/** Every pod that serves clients has these; throws when that cannot be said. */
export async function applied(handle: RelayHandle, placements: readonly Placement[]): Promise<void> {
  const answer = await handle.whenApplied(placements, APPLY_MS);
  if (answer.kind === 'applied') return;
  if (answer.kind === 'none') throw new RelayProblem(REASONS.relayUnavailable, noPodReady(handle.key));
  throw new RelayProblem(REASONS.relayOutOfStep, `not acknowledged by ${answer.pods.join(', ')}`);
}

/** The password logs in on every serving pod, those included that start to serve meanwhile. */
export async function proveAlive(
  prover: LoginProver,
  handle: RelayHandle,
  credentials: { username: string; password: string },
): Promise<void> {
  const proven = new Set<string>();
  for (let attempt = 1; ; attempt++) {
    const proofs = await attemptOn(prover, handle, credentials, proven);
    if (proofs === undefined) return;
    const refused = proofs.find(({ outcome }) => outcome.kind === 'refused');
    if (refused !== undefined) {
      throw new RelayProblem(
        REASONS.loginRefused,
        `pod ${refused.pod} refuses the new password although it acknowledged it`,
      );
    }
    for (const { pod, outcome } of proofs) if (outcome.kind === 'accepted') proven.add(pod);
    await orTired(proofs, attempt);
  }
}

/** The password no longer logs in on any serving pod. */
export async function proveDead(
  prover: LoginProver,
  handle: RelayHandle,
  credentials: { username: string; password: string },
): Promise<void> {
  const proven = new Set<string>();
  for (let attempt = 1; ; attempt++) {
    const proofs = await attemptOn(prover, handle, credentials, proven, REFUSAL_MS);
    if (proofs === undefined) return;
    const alive = proofs.find(({ outcome }) => outcome.kind === 'accepted');
    if (alive !== undefined) {
      const message = `pod ${alive.pod} still accepts the old password`;
      throw new RelayProblem(REASONS.resetting, message, true);
    }
    for (const { pod, outcome } of proofs) if (outcome.kind === 'refused') proven.add(pod);
    await orTired(proofs, attempt);
  }
}

/** Undefined when no pod is left to ask. */
async function attemptOn(
  prover: LoginProver,
  handle: RelayHandle,
  credentials: { username: string; password: string },
  proven: ReadonlySet<string>,
  timeoutMs?: number,
): Promise<Proof[] | undefined> {
  const { serving } = handle.pods;
  if (serving.length === 0) throw new RelayProblem(REASONS.relayUnavailable, noPodReady(handle.key));
  const left = serving.map(({ view }) => view).filter(({ name }) => !proven.has(name));
  if (left.length === 0) return undefined;
  const { host, caBundle } = handle.facts;
  return prover.prove(left, { servername: host, ca: caBundle }, credentials, timeoutMs);
}

async function orTired(proofs: readonly Proof[], attempt: number): Promise<void> {
  const silent = proofs.flatMap(({ pod, outcome }) =>
    outcome.kind === 'unavailable' ? [{ pod, detail: outcome.detail }] : [],
  );
  if (silent.length === 0) return;
  if (attempt >= TRIES) {
    const said = silent.map(({ pod, detail }) => `${pod} (${detail})`).join(', ');
    throw new RelayProblem(REASONS.relayOutOfStep, `no login could be tried on ${said}`);
  }
  await pause(50 * attempt, new AbortController().signal);
}
