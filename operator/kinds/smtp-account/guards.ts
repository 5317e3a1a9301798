/** What stands in the way of an account before its password is thought of: gone, a wrong spec, no relay. Pure. */
import type { SmtpAccount } from '../../api/index.ts';
import type { AccountAction } from './actions.ts';
import { isSettled, waiting, type AccountDecision } from './outcomes.ts';
import { REASONS } from './reasons.ts';
import type { AccountSnapshot } from './snapshot.ts';
import type { Standing } from './status.ts';

/** Deletion is absence: every relay that still knows the account forgets it. */
export function gone({ elsewhere, relay, isListed, key }: AccountSnapshot): AccountDecision {
  const relays = [...elsewhere, ...(relay?.entry === undefined ? [] : [relay.key])];
  const actions = relays.map((relay): AccountAction => ({ do: 'remove', relay, key }));
  return { rule: 'Gone', actions: isListed ? actions : [] };
}

export function guard(
  snapshot: AccountSnapshot,
  account: SmtpAccount,
  now: Date,
): AccountDecision | undefined {
  const problem = snapshot.problems[0];
  if (problem !== undefined) {
    const message = `${problem.field}: ${problem.message}`;
    return waiting(snapshot, now, { ready: 'False', reason: REASONS.invalidSpec, message, step: 'spec' });
  }
  const { choice } = snapshot;
  if (choice?.found !== true) {
    const message = choice?.message ?? 'no relay was chosen';
    const isRefused = choice?.reason === 'RelayNotAllowed' || choice?.reason === 'RelayAmbiguous';
    const ready = isRefused ? 'False' : 'Unknown';
    const standing: Standing = { ready, reason: choice?.reason ?? 'RelayNotFound', message, step: 'relay' };
    const decision = waiting(snapshot, now, standing);
    // A relay that no longer admits the workspace no longer takes its logins.
    const remove = snapshot.elsewhere.map((relay): AccountAction => ({
      do: 'remove',
      relay,
      key: snapshot.key,
    }));
    return { ...decision, actions: choice?.reason === 'RelayNotAllowed' ? remove : [] };
  }
  if (snapshot.relay !== undefined) return undefined;
  const message = `SmtpRelay ${choice.relay.metadata.namespace}/${choice.relay.metadata.name} is not open yet`;
  const decision = waiting(snapshot, now, {
    ready: 'Unknown',
    reason: REASONS.relayStarting,
    message,
    step: 'relay',
  });
  return isSettled(account) ? { ...decision, status: undefined } : decision;
}
