/** Which relay and which plan an account has, by the caches. */
import type { SmtpAccount } from '../../api/index.ts';
import { BY_NAMESPACE } from '../../caches.ts';
import type { OperatorContext } from '../../context.ts';
import {
  chooseRelay,
  effectivePlan,
  firstWithRelay,
  labelsOf,
  type RelayAnswer,
} from '../../policy/index.ts';
import type { RelayHandle } from '../../projection/index.ts';
import { keyFor, type Key } from '../../runtime/index.ts';
import type { AccountSnapshot, PlanVerdict } from './snapshot.ts';

export function choiceOf(
  context: OperatorContext,
  account: SmtpAccount,
  present: Key | undefined,
): RelayAnswer {
  const namespace = account.metadata.namespace!;
  return chooseRelay({
    namespace,
    namespaceLabels: labelsOf(context.caches.namespaces.get(namespace)),
    relayRef: account.spec.relayRef,
    operatorNamespace: context.options.operatorNamespace,
    present,
    relays: context.caches.relays.values(),
  });
}

export function planOf({ caches }: OperatorContext, account: SmtpAccount, handle: RelayHandle): PlanVerdict {
  const namespace = account.metadata.namespace!;
  // The handle has a new spec when the relay's own controller has looked: both hear of it at once.
  const { spec } = caches.relays.get(handle.key) ?? handle.relay;
  const plan = effectivePlan(caches.plans.byIndex(BY_NAMESPACE, namespace), spec.defaultPlan);
  if (plan.maxAccounts === undefined) return { plan, rank: undefined, isServed: true };
  const rank = caches.accountAges.rankOf(namespace, account);
  return { plan, rank, isServed: rank < plan.maxAccounts };
}

/** The relay that the workspace's oldest account sends through, if it is another than this account's. */
export function planRelayOf(
  context: OperatorContext,
  account: SmtpAccount,
  handle: RelayHandle,
): AccountSnapshot['planRelay'] {
  const first = firstWithRelay(oldestFirst(context, account.metadata.namespace!), (one) => {
    const choice = choiceOf(context, one, relayInStatus(one));
    return choice.found ? keyFor(choice.relay.metadata.namespace, choice.relay.metadata.name) : undefined;
  });
  if (first === undefined || first.relay === handle.key) return undefined;
  return { relay: first.relay, account: first.account.metadata.name };
}

function* oldestFirst({ caches }: OperatorContext, namespace: string): Generator<SmtpAccount, void, void> {
  for (const { metadata } of caches.accountAges.of(namespace)) {
    const account = caches.accounts.get(keyFor(namespace, metadata.name));
    if (account !== undefined) yield account;
  }
}

/** Only decides between relays that would both do. */
function relayInStatus({ status }: SmtpAccount): Key | undefined {
  return status?.relayRef && keyFor(status.relayRef.namespace, status.relayRef.name);
}
