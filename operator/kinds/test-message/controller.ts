/** The TestMessage controller: what wakes it, and how it sends. */
import { relayApi, type TestMessage, type TestMessageStatus } from '../../api/index.ts';
import { BY_NAMESPACE } from '../../caches.ts';
import type { OperatorContext } from '../../context.ts';
import {
  condition,
  keyOf,
  mergeConditions,
  prepareController,
  watchOwn,
  watchWith,
  type ActionResult,
  type PreparedController,
} from '../../runtime/index.ts';
import { decide } from './decide.ts';
import { wireText } from './mail.ts';
import { isOver, observe, relayOf, secretOf, valueOf } from './observe.ts';
import * as Reason from './reasons.ts';
import { sendMail, type SendOutcome } from './send.ts';
import type { Action, Attempt, Snapshot } from './snapshot.ts';

export function createTestMessageController(context: OperatorContext): PreparedController {
  const { caches } = context;
  /** Last attempts by UID; lost with the process, which is why the reports are asked first. */
  const attempts = new Map<string, Attempt>();
  return prepareController<TestMessage, Snapshot, Action, TestMessageStatus>({
    name: 'test-message',
    concurrency: 16,
    informer: caches.testMessages,
    watches: [
      watchOwn(caches.testMessages),
      watchWith(caches.testMessages, ({ type, object }) => {
        if (type === 'Removed') attempts.delete(object.metadata.uid ?? '');
        return [];
      }),
      watchWith(caches.accounts, ({ object }) =>
        caches.testMessages
          .byIndex(BY_NAMESPACE, object.metadata.namespace ?? '')
          .filter((message) => message.spec.accountRef.name === object.metadata.name && !isOver(message))
          .map(keyOf),
      ),
    ],
    observe: (key) => observe(context, attempts, key),
    objectOf: ({ message }) => message,
    decide,
    apply: (action, { message }) =>
      message === undefined ? Promise.resolve('done') : send(context, attempts, action, message),
    statusAfterError,
  });
}

async function send(
  context: OperatorContext,
  attempts: Map<string, Attempt>,
  { messageId, from }: Action,
  message: TestMessage,
): Promise<ActionResult> {
  const uid = message.metadata.uid!;
  const outcome = await attempt(context, { messageId, from }, message);
  const count = (attempts.get(uid)?.count ?? 0) + 1;
  attempts.set(uid, { outcome, at: new Date(), count });
  return 'observe';
}

/** On the first pod that answers. */
async function attempt(
  context: OperatorContext,
  { messageId, from }: { messageId: string; from: string },
  message: TestMessage,
): Promise<SendOutcome> {
  const { namespace, name } = message.metadata;
  const { to, subject = 'MigoSMTP test message', accountRef } = message.spec;
  const handle = relayOf(context, message);
  const secret = await secretOf(context, message);
  const username = valueOf(secret, 'username', 'SMTP_USERNAME');
  const password = valueOf(secret, 'password', 'SMTP_PASSWORD');
  if (handle === undefined || username === undefined || password === undefined) {
    return { kind: 'unavailable', detail: "the account's Secret or relay is not there" };
  }
  const text = wireText({
    messageId,
    from,
    to,
    subject,
    date: new Date(),
    sentBy: `${namespace}/${name}`,
    account: `${namespace}/${accountRef.name}`,
  });
  const { host: servername, caBundle: ca } = handle.facts;
  let outcome: SendOutcome = { kind: 'unavailable', detail: 'no pod of the relay is ready' };
  for (const { view } of handle.pods.serving) {
    const target = { address: view.address, port: relayApi.STARTTLS_PORT, servername, ca };
    outcome = await sendMail(target, { username, password }, { from, to, text });
    if (outcome.kind !== 'unavailable') break;
  }
  return outcome;
}

function statusAfterError(
  { message }: Snapshot,
  error: unknown,
  decided: TestMessageStatus | undefined,
  now: Date,
): TestMessageStatus | undefined {
  if (message === undefined || isOver(message)) return message?.status;
  const text = error instanceof Error ? error.message : 'unknown failure';
  const drafts = [
    condition('Ready', 'Unknown', Reason.ERROR, text),
    condition('Reconciling', 'True', Reason.ERROR, text),
    condition('Stalled', 'False', Reason.ERROR, text),
  ];
  const { generation } = message.metadata;
  const conditions = mergeConditions(message.status?.conditions, drafts, generation, now);
  return { ...(decided ?? message.status), conditions };
}
