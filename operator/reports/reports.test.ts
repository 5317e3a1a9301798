import { describe, expect, test } from '@jest/globals';
import type { relayApi } from '../api/index.ts';
import type { Caches } from '../caches.ts';
import type { KubeClient } from '../kube/index.ts';
import { admit } from './access.ts';
import { answer, type AnswerParts } from './answers.ts';
import { Failure } from './failure.ts';
import { readQuestion } from './question.ts';

describe('a request', () => {
  test.each<[string, string, object]>([
    [
      'for usage of a namespace',
      '/v1/namespaces/shop/usage',
      { namespace: 'shop', account: undefined, about: 'usage' },
    ],
    [
      'for usage of an account',
      '/v1/namespaces/shop/accounts/app/usage',
      { namespace: 'shop', account: 'app', about: 'usage' },
    ],
    [
      'for reports of a namespace',
      '/v1/namespaces/shop/reports',
      { namespace: 'shop', account: undefined, about: 'reports', limit: 100 },
    ],
    [
      'for some reports of an account',
      '/v1/namespaces/shop/accounts/app/reports?status=bounced&recipient=a%40b.example&limit=7&cursor=0.9&account=other',
      { account: 'app', filter: { status: 'bounced', recipient: 'a@b.example' }, limit: 7, cursor: '0.9' },
    ],
  ])('%s', (_title, url, question) => {
    expect(readQuestion('GET', url)).toMatchObject(question);
  });

  test.each<[string, string, string, number]>([
    ['to write', 'POST', '/v1/namespaces/shop/usage', 405],
    ['for something else', 'GET', '/v1/nodes', 404],
    ['for a name that is none', 'GET', '/v1/namespaces/Shop%2F..%2Fx/usage', 404],
    ['for what is no URL', 'GET', '//', 404],
    ['for a status that is none', 'GET', '/v1/namespaces/shop/reports?status=lost', 400],
    ['for too many', 'GET', '/v1/namespaces/shop/reports?limit=100000', 400],
    ['for no number', 'GET', '/v1/namespaces/shop/reports?limit=many', 400],
    [
      'with a value that is too long',
      'GET',
      `/v1/namespaces/shop/reports?recipient=${'x'.repeat(2000)}`,
      400,
    ],
  ])('%s is refused', (_title, method, url, status) => {
    expect(refusalOf(method, url)).toMatchObject({ status });
  });
});

function refusalOf(method: string, url: string): unknown {
  try {
    return readQuestion(method, url);
  } catch (error) {
    return error;
  }
}

describe('access', () => {
  const client = (authenticated: boolean, allowed: boolean, asked: unknown[] = []): KubeClient =>
    ({
      raw: (_method: string, path: string, _type: string, body: unknown) => {
        asked.push(body);
        return Promise.resolve({
          status: path.includes('tokenreviews')
            ? { authenticated, user: { username: 'mia', groups: ['team'], extra: { scope: ['a'] } } }
            : { allowed },
        });
      },
    }) as unknown as KubeClient;
  const refusal = (
    authorization: string | undefined,
    authenticated: boolean,
    allowed: boolean,
  ): Promise<unknown> =>
    admit(client(authenticated, allowed), authorization, { namespace: 'shop', account: undefined }).catch(
      (error: unknown) => error,
    );

  test.each<[string, string | undefined, boolean, boolean, number, string]>([
    ['nobody', undefined, true, true, 401, 'Authorization: Bearer'],
    ['a password instead of a token', 'Basic YTpi', true, true, 401, 'Authorization: Bearer'],
    ['a token that is no good', 'Bearer x', false, true, 401, 'does not accept this token'],
    [
      'somebody without the right',
      'Bearer x',
      true,
      false,
      403,
      'mia may not get smtpaccounts/reports (migosmtp.com) in namespace shop',
    ],
  ])('%s is refused', async (_title, authorization, authenticated, allowed, status, words) => {
    const failure = await refusal(authorization, authenticated, allowed);
    expect(failure).toBeInstanceOf(Failure);
    expect(failure).toMatchObject({ status });
    expect(String(failure)).toContain(words);
  });

  test('is asked for as that user, in that namespace', async () => {
    const asked: unknown[] = [];
    await admit(client(true, true, asked), 'bearer abc', { namespace: 'shop', account: 'app' });
    expect(asked).toMatchObject([
      { spec: { token: 'abc' } },
      {
        spec: {
          user: 'mia',
          groups: ['team'],
          extra: { scope: ['a'] },
          resourceAttributes: {
            namespace: 'shop',
            verb: 'get',
            group: 'migosmtp.com',
            resource: 'smtpaccounts',
            subresource: 'reports',
            name: 'app',
          },
        },
      },
    ]);
  });
});

describe('reports of a workspace with two relays', () => {
  const relay = (name: string) => ({
    metadata: { namespace: 'mail', name },
    spec: { delivery: { direct: {} }, allowedNamespaces: { from: 'All' } },
  });
  const relays = [relay('a'), relay('b')];
  const accounts = relays.map(({ metadata }) => ({ status: { relayRef: metadata } }));
  const caches = {
    relays: {
      get: (key: string) => relays.find(({ metadata }) => `mail/${metadata.name}` === key),
      values: () => relays.values(),
    },
    accounts: { byIndex: () => accounts },
    domains: { byIndex: () => [] },
    namespaces: { get: () => undefined },
  } as unknown as Caches;
  const item = (queueId: string, namespace = 'shop') => ({ queueId, namespace }) as relayApi.DeliveryReport;
  const stored: Record<string, relayApi.DeliveryReport[]> = {
    'mail/a': [item('a1'), item('a2'), item('a3')],
    'mail/b': [item('b1'), item('b2')],
  };
  const parts: AnswerParts = {
    caches,
    operatorNamespace: 'mail',
    readers: {
      ask: (key, question) =>
        question({
          reports: ({ limit = 9, cursor }: { limit?: number; cursor?: string }) => {
            const from = Number(cursor ?? 0);
            const items = stored[key]!.slice(from, from + limit);
            const next = from + limit < stored[key]!.length ? String(from + limit) : null;
            return Promise.resolve({ items, next });
          },
        } as never),
    },
  };
  const page = async (limit: number, cursor: string | undefined): Promise<[string[], string | null]> => {
    const question = {
      namespace: 'shop',
      account: undefined,
      about: 'reports',
      filter: {},
      limit,
      cursor,
    } as const;
    const { items, next } = (await answer(parts, question)) as relayApi.ReportPage;
    return [items.map(({ queueId }) => queueId), next];
  };

  test.each([1, 2, 3, 4, 5, 9])('come all, each once, %d at a time', async (limit) => {
    const found: string[] = [];
    let cursor: string | null = null;
    do {
      const [ids, next]: [string[], string | null] = await page(limit, cursor ?? undefined);
      expect(ids.length).toBeLessThanOrEqual(limit);
      found.push(...ids);
      cursor = next;
    } while (cursor !== null);
    expect(found).toEqual(['a1', 'a2', 'a3', 'b1', 'b2']);
  });

  test('never hold another namespace’s, whatever the relay says', async () => {
    stored['mail/a'] = [item('x', 'other')];
    expect((await page(9, undefined))[0]).toEqual(['b1', 'b2']);
  });

  test('a cursor that is none is refused', async () => {
    await expect(page(9, 'nonsense')).rejects.toMatchObject({ status: 400 });
  });
});
