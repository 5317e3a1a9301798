/**
 * The client side of a login loop: runs in the cluster's network, one request a line on stdin, one answer a line.
 * Passwords come over the pipe. Logins are made side by side, so that a slow one delays no other.
 */
import { createInterface } from 'node:readline';
import { login } from '../../../operator/login/index.ts';
import type { Attempted, Question, Target } from './protocol.ts';

let current: Target | undefined;
let timer: NodeJS.Timeout | undefined;
const done: Attempted = { attempts: 0, failures: [] };

createInterface({ input: process.stdin })
  .on('line', (line) => void answer(JSON.parse(line) as Question))
  .on('close', () => process.exit());

async function answer(question: Question): Promise<void> {
  switch (question.do) {
    case 'use':
      current = question.target;
      return;
    case 'start':
      timer = setInterval(() => void everywhere(), question.everyMs);
      return;
    case 'stop':
      clearInterval(timer);
      return say({ id: question.id, ...done });
    case 'untilRefused':
      return say({ id: question.id, at: await untilRefused(question.target, question.timeoutMs) });
    case 'once':
      return say({ id: question.id, outcomes: await once(question.target) });
  }
}

function say(object: object): void {
  process.stdout.write(`${JSON.stringify(object)}\n`);
}

async function everywhere(): Promise<void> {
  const target = current;
  if (target === undefined) return;
  await Promise.all(
    target.addresses.map(async (address) => {
      const startedAt = Date.now();
      const outcome = await login({ ...target, address }, target);
      done.attempts++;
      if (outcome.kind === 'accepted' || done.failures.length >= 100) return;
      const said = outcome.kind === 'refused' ? String(outcome.code) : outcome.detail;
      done.failures.push({ address, startedAt, revision: target.revision, said });
    }),
  );
}

function once(target: Target): Promise<string[]> {
  return Promise.all(
    target.addresses.map(async (address) => (await login({ ...target, address }, target, 15_000)).kind),
  );
}

/** Start of the first login that was refused, on the address where that came last. */
async function untilRefused(target: Target, timeoutMs: number): Promise<number> {
  const moments = await Promise.all(
    target.addresses.map(async (address) => {
      const deadline = Date.now() + timeoutMs;
      while (Date.now() < deadline) {
        const startedAt = Date.now();
        const { kind } = await login({ ...target, address }, target, 15_000);
        if (kind === 'refused') return startedAt;
      }
      return Infinity;
    }),
  );
  const last = Math.max(...moments);
  return Number.isFinite(last) ? last : -1;
}
