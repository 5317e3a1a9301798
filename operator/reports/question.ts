/** What a request asks for, read from its method and URL. Pure. */
import { relayApi } from '../api/index.ts';
import { Failure } from './failure.ts';

export interface ReportFilter {
  queueId?: string | undefined;
  messageId?: string | undefined;
  recipient?: string | undefined;
  status?: relayApi.DeliveryStatus | undefined;
}

export type Question = { namespace: string; account: string | undefined } & (
  { about: 'usage' } | { about: 'reports'; filter: ReportFilter; limit: number; cursor: string | undefined }
);

const NAME = '[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?';
const PATH = new RegExp(
  `^/v1/namespaces/(?<namespace>${NAME})(/accounts/(?<account>${NAME}))?/(?<about>usage|reports)$`,
);
const MOST_ITEMS = 500;
const USUAL_ITEMS = 100;
const LONGEST_VALUE = 1000;

/** Throws a Failure that says what to write instead. */
export function readQuestion(method: string | undefined, target: string | undefined): Question {
  if (method !== 'GET') throw new Failure(405, 'MethodNotAllowed', 'only GET is answered');
  const url = URL.parse(target ?? '/', 'https://reports');
  const found = PATH.exec(url?.pathname ?? '')?.groups;
  if (url === null || found?.['namespace'] === undefined) {
    const message = 'ask for /v1/namespaces/NAMESPACE[/accounts/ACCOUNT]/usage or .../reports';
    throw new Failure(404, 'NotFound', message);
  }
  const who = { namespace: found['namespace'], account: found['account'] };
  if (found['about'] === 'usage') return { ...who, about: 'usage' };
  return {
    ...who,
    account: who.account ?? valueOf(url, 'account'),
    about: 'reports',
    filter: {
      queueId: valueOf(url, 'queueId'),
      messageId: valueOf(url, 'messageId'),
      recipient: valueOf(url, 'recipient'),
      status: statusOf(url),
    },
    limit: limitOf(url),
    cursor: valueOf(url, 'cursor'),
  };
}

function valueOf(url: URL, name: string): string | undefined {
  const value = url.searchParams.get(name);
  if (value === null || value === '') return undefined;
  if (value.length > LONGEST_VALUE) throw new Failure(400, 'BadRequest', `${name} is too long`);
  return value;
}

function statusOf(url: URL): relayApi.DeliveryStatus | undefined {
  const value = valueOf(url, 'status');
  if (value === undefined) return undefined;
  const status = relayApi.deliveryStatusSchema.safeParse(value);
  if (status.success) return status.data;
  const known = relayApi.deliveryStatusSchema.options.join(', ');
  throw new Failure(400, 'BadRequest', `status is one of ${known}`);
}

function limitOf(url: URL): number {
  const value = valueOf(url, 'limit');
  if (value === undefined) return USUAL_ITEMS;
  const limit = Number(value);
  if (Number.isInteger(limit) && limit >= 1 && limit <= MOST_ITEMS) return limit;
  throw new Failure(400, 'BadRequest', `limit is a number from 1 to ${MOST_ITEMS}`);
}
