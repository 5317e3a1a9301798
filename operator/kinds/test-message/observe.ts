/** What there is of a test message: caches, its account's Secret, and what the relay reports. */
import { ADDRESS_PATTERN, specProblems, testMessage, type TestMessage } from '../../api/index.ts';
import type { OperatorContext } from '../../context.ts';
import { Secrets, type Secret } from '../../kube/index.ts';
import type { RelayHandle } from '../../projection/index.ts';
import { keyFor, type Key } from '../../runtime/index.ts';
import type { Attempt, Lookup, Snapshot } from './snapshot.ts';

export async function observe(
  context: OperatorContext,
  attempts: ReadonlyMap<string, Attempt>,
  key: Key,
): Promise<Snapshot> {
  const { caches } = context;
  const message = caches.testMessages.get(key);
  const account =
    message && caches.accounts.get(keyFor(message.metadata.namespace, message.spec.accountRef.name));
  const handle = message && relayOf(context, message);
  const isOpen = message !== undefined && !isOver(message);
  const [lookup, from] = isOpen
    ? await Promise.all([lookUp(handle, message), senderOf(context, message)])
    : [{ kind: 'unasked' } as const, undefined];
  return {
    message,
    problems: message === undefined ? [] : specProblems(testMessage, message.spec),
    account,
    relayHost: handle !== undefined && handle.pods.serving.length > 0 ? handle.facts.host : undefined,
    nextHop: handle?.relay.spec.delivery.smarthost === undefined ? 'direct' : 'smarthost',
    from,
    lookup,
    attempt: attempts.get(message?.metadata.uid ?? ''),
  };
}

export function isOver({ status }: TestMessage): boolean {
  return status?.phase === 'Delivered' || status?.phase === 'Failed';
}

/** The relay that has the account. */
export function relayOf({ relays }: OperatorContext, message: TestMessage): RelayHandle | undefined {
  const account = keyFor(message.metadata.namespace, message.spec.accountRef.name);
  return [...relays.values()].find(({ shards }) => shards.get('accounts', account) !== undefined);
}

/** Asked by account too: another account may use the same Message-ID. */
async function lookUp(
  handle: RelayHandle | undefined,
  { metadata, spec, status }: TestMessage,
): Promise<Lookup> {
  if (status?.messageId === undefined) return { kind: 'unasked' };
  const admin = handle?.anyPod?.admin;
  if (admin === undefined) return { kind: 'unavailable' };
  try {
    const { items } = await admin.reports({
      messageId: status.messageId,
      namespace: metadata.namespace,
      account: spec.accountRef.name,
      limit: 1,
    });
    const [report] = items;
    return report === undefined ? { kind: 'none' } : { kind: 'found', report };
  } catch {
    // An answer that did not come is no answer: nothing is sent on the strength of it.
    return { kind: 'unavailable' };
  }
}

async function senderOf(context: OperatorContext, message: TestMessage): Promise<string | undefined> {
  if (message.spec.from !== undefined || message.status?.phase === 'Sent') return message.spec.from;
  const secret = await secretOf(context, message);
  const from = valueOf(secret, 'from', 'SMTP_FROM');
  // Anybody in the namespace can edit the Secret: what is no address goes into no command.
  return from !== undefined && ADDRESS_PATTERN.test(from) ? from : undefined;
}

/** The account's credentials, by the name that its status binds. */
export async function secretOf(
  { caches, client }: OperatorContext,
  message: TestMessage,
): Promise<Secret | undefined> {
  const { namespace } = message.metadata;
  const account = caches.accounts.get(keyFor(namespace, message.spec.accountRef.name));
  const name = account?.status?.binding?.name;
  return name === undefined ? undefined : client.find(Secrets, { namespace, name });
}

/** A key of the binding form, else of the environment form. */
export function valueOf(secret: Secret | undefined, ...keys: string[]): string | undefined {
  const value = keys.map((key) => secret?.data?.[key]).find((data) => data !== undefined);
  return value === undefined ? undefined : Buffer.from(value, 'base64').toString('utf8');
}
