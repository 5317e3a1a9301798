/** Answers: figures and reports of a namespace, from the relays that carry its mail. */
import { BY_NAMESPACE, type Caches } from '../caches.ts';
import type { relayApi } from '../api/index.ts';
import { chooseRelay, labelsOf } from '../policy/index.ts';
import { keyOf, type Key } from '../runtime/index.ts';
import { Failure } from './failure.ts';
import type { Question } from './question.ts';
import type { RelayReaders } from './relay-readers.ts';

export interface AnswerParts {
  caches: Caches;
  readers: Pick<RelayReaders, 'ask'>;
  operatorNamespace: string;
}

/** `asOf`: when the relay was asked. Several relays only where a workspace has no plan. */
export interface UsageAnswer {
  asOf: string;
  workspace: relayApi.WorkspaceUsage | null;
  accounts: Omit<relayApi.AccountUsage, 'id' | 'verifiers'>[];
}

export async function answer(
  parts: AnswerParts,
  question: Question,
): Promise<UsageAnswer | relayApi.ReportPage> {
  const relays = relaysOf(parts, question.namespace);
  if (relays.length === 0) {
    throw new Failure(404, 'NoRelay', `no SmtpRelay serves namespace ${question.namespace}`);
  }
  return question.about === 'usage' ? usage(parts, relays, question) : reports(parts, relays, question);
}

/** Relays of its accounts and domains, and the one that it would get: accounts that are gone have reports too. */
function relaysOf({ caches, operatorNamespace }: AnswerParts, namespace: string): Key[] {
  const used = [
    ...caches.accounts.byIndex(BY_NAMESPACE, namespace),
    ...caches.domains.byIndex(BY_NAMESPACE, namespace),
  ].flatMap(({ status }) =>
    status?.relayRef === undefined ? [] : [`${status.relayRef.namespace}/${status.relayRef.name}`],
  );
  const usual = chooseRelay({
    namespace,
    namespaceLabels: labelsOf(caches.namespaces.get(namespace)),
    relayRef: undefined,
    operatorNamespace,
    relays: caches.relays.values(),
  });
  return [...new Set([...used, ...(usual.found ? [keyOf(usual.relay)] : [])])]
    .filter((key) => caches.relays.get(key) !== undefined)
    .toSorted();
}

async function usage(
  { readers }: AnswerParts,
  relays: readonly Key[],
  { namespace, account }: Question,
): Promise<UsageAnswer> {
  const query = { namespace, ...(account === undefined ? {} : { account }) };
  const answers = await Promise.all(relays.map((relay) => readers.ask(relay, (admin) => admin.usage(query))));
  const accounts = answers
    .flatMap((part) => part.accounts)
    // The relay filters; that nothing of another namespace is told must not depend on it.
    .filter((entry) => entry.namespace === namespace && (account === undefined || entry.name === account))
    .map(figuresOf);
  const workspaces = answers
    .flatMap((part) => part.workspaces)
    .filter((entry) => entry.namespace === namespace);
  return {
    asOf: answers.map(({ asOf }) => asOf).toSorted()[0] ?? new Date().toISOString(),
    workspace: workspaces[0] ?? null,
    accounts: accounts.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

/** Which password was used is between the operator and the relay. */
function figuresOf(entry: relayApi.AccountUsage): UsageAnswer['accounts'][number] {
  const { namespace, name, username, minute, hour, day, month, lastUsedAt } = entry;
  return { namespace, name, username, minute, hour, day, month, lastUsedAt };
}

/** Newest first, relay by relay. The cursor names the relay and the place in its list. */
async function reports(
  { readers }: AnswerParts,
  relays: readonly Key[],
  question: Extract<Question, { about: 'reports' }>,
): Promise<relayApi.ReportPage> {
  const { namespace, account, filter, limit } = question;
  let { index, cursor } = readCursor(question.cursor);
  const items: relayApi.DeliveryReport[] = [];
  for (; index < relays.length && items.length < limit; index++, cursor = undefined) {
    const query = { ...filter, namespace, account, limit: limit - items.length, cursor };
    const page = await readers.ask(relays[index]!, (admin) => admin.reports(query));
    items.push(...page.items.filter((item) => item.namespace === namespace));
    if (page.next !== null) return { items, next: `${index}.${page.next}` };
  }
  return { items, next: index < relays.length ? `${index}.` : null };
}

function readCursor(text: string | undefined): { index: number; cursor: string | undefined } {
  if (text === undefined) return { index: 0, cursor: undefined };
  const match = /^([0-9]{1,4})\.(.*)$/.exec(text);
  if (match === null) throw new Failure(400, 'BadRequest', 'cursor is the "next" of an earlier answer');
  return { index: Number(match[1]), cursor: match[2] === '' ? undefined : match[2] };
}
