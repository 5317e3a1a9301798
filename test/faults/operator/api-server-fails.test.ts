/**
 * The API server is gone, slow, failing, throttling, and cuts watches: the operator lives, removes nobody, what is
 * published goes on logging in, and what was declared meanwhile is done afterwards.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { NAMESPACE } from '../../../operator/install/index.ts';
import { LoginLoop } from '../../support/login-loop/index.ts';
import type { ZoneRecord } from '../../support/dns-server.ts';
import type { Fault } from '../../integration/operator/support/faulty-api.ts';
import {
  create,
  isReady,
  kind,
  namespace,
  projected,
  relay,
  until,
  type Thing,
} from '../../integration/operator/support/installation.ts';
import { sized } from '../support/size.ts';
import { ProxiedOperator } from './support/proxied-operator.ts';

const TEAM = 'team';
const OUTAGE_MS = sized(600_000, 3_000);
const STEADY = ['steady-1', 'steady-2', 'steady-3'];
let operator: ProxiedOperator;
let loop: LoginLoop;
let counter = 0;

beforeAll(async () => {
  operator = await ProxiedOperator.start();
  await relay(operator.world);
  await namespace(cluster(), TEAM);
  await create(cluster(), kind('PlanLimit', TEAM, 'plan', { plan: '30k', maxAccounts: 100 }));
  const domain = { domain: 'example.com', recheckInterval: '1h' };
  await create(cluster(), kind('VerifiedDomain', TEAM, 'main', domain));
  const told = await until(cluster(), 'VerifiedDomain', TEAM, 'main', ({ status }) => {
    return Object.keys(status?.['dnsRecords'] ?? {}).length >= 4;
  });
  await operator.world.dns.publish(Object.values(told.status?.['dnsRecords'] as Record<string, ZoneRecord>));
  await until(cluster(), 'VerifiedDomain', TEAM, 'main', isReady, 60_000);
  for (const name of STEADY) await declare(name);
  for (const name of STEADY) await ready(name);
  const secret = `${STEADY[0]}-smtp`;
  loop = await LoginLoop.start({ cluster: cluster(), namespace: TEAM, secret, relay: `${NAMESPACE}/main` });
  await loop.untilPublished('1');
  await loop.lookForPods();
  loop.begin(100);
}, 1_200_000);
afterAll(async () => {
  await loop?.stop();
  await operator?.stop();
});
afterEach(() => {
  operator.api.fault = () => undefined;
  operator.api.rewrite = undefined;
  operator.api.latencyMs = 0;
});

const cluster = () => operator.world.cluster;
const declare = (name: string): Promise<Thing> => create(cluster(), kind('SmtpAccount', TEAM, name, {}));
const ready = (name: string): Promise<Thing & { ms: number }> =>
  until(cluster(), 'SmtpAccount', TEAM, name, isReady, 120_000);
const outage = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, OUTAGE_MS));
const served = async (): Promise<string[]> =>
  (await projected<{ name: string }>(cluster(), 'accounts')).map(({ name }) => name);

/** The fault lasts; an account is declared in the midst of it; then the fault ends. */
async function declaredDuring(begin: () => void): Promise<void> {
  const name = `during-${++counter}`;
  begin();
  await declare(name);
  await outage();
  operator.api.fault = () => undefined;
  operator.api.latencyMs = 0;
  await ready(name);
  expect(operator.isRunning).toBe(true);
  expect(await served()).toEqual(expect.arrayContaining([...STEADY, name]));
  for (const steady of STEADY) expect(isReady(await ready(steady))).toBe(true);
}

const isWrite: Fault = ({ method, url }) =>
  method === 'GET' || url.includes('/leases') ? undefined : { status: 500 };
const renews = (url: string): boolean => url.includes('/leases');

describe('an account that is declared meanwhile becomes Ready afterwards, and nobody is removed', () => {
  test(
    'the API server refuses every write',
    () => declaredDuring(() => (operator.api.fault = isWrite)),
    900_000,
  );

  test(
    'it throttles with Retry-After',
    () =>
      declaredDuring(() => {
        operator.api.fault = ({ url }) =>
          renews(url) ? undefined : { status: 429, headers: { 'retry-after': '1' } };
      }),
    900_000,
  );

  test(
    'it answers with conflicts',
    () =>
      declaredDuring(() => {
        operator.api.fault = ({ method, url }) =>
          method === 'GET' || renews(url) ? undefined : { status: 409, reason: 'Conflict' };
      }),
    900_000,
  );

  test(
    'every list fails or is forbidden, and every watch is cut',
    () =>
      declaredDuring(() => {
        let count = 0;
        operator.api.fault = ({ method, url }) =>
          method === 'GET' && !renews(url) ? { status: ++count % 2 === 0 ? 403 : 500 } : undefined;
        operator.api.cut();
      }),
    900_000,
  );

  test(
    'history is gone: watches end with 410',
    () =>
      declaredDuring(() => {
        operator.api.fault = ({ url }) =>
          url.includes('watch=true') ? { status: 410, reason: 'Expired' } : undefined;
        operator.api.cut();
      }),
    900_000,
  );

  test(
    'each answer takes a second',
    () =>
      declaredDuring(() => {
        operator.api.latencyMs = sized(5_000, 1_000);
      }),
    900_000,
  );
});

/** What a server says that is behind: of these kinds it knows no object yet. */
function emptyList(text: string, url: string): string {
  const isIt = /\/(smtpaccounts|verifieddomains|planlimits)\?/.test(url) && !url.includes('watch=true');
  if (!isIt || !text.includes('"items"')) return text;
  return JSON.stringify({ ...(JSON.parse(text) as object), items: [] });
}

test('its lists are behind: whoever is absent from them and still there keeps login, domain and limits', async () => {
  const workspaces = await projected<{ namespace: string }>(cluster(), 'workspaces');
  operator.api.rewrite = emptyList;
  const before = operator.api.requests.filter((request) => isListOfAccounts(request)).length;
  // Every watch begins with a list again.
  operator.api.fault = ({ url }) =>
    url.includes('watch=true') ? { status: 410, reason: 'Expired' } : undefined;
  operator.api.cut();
  await cluster().waitFor('two more lists', () =>
    Promise.resolve(
      operator.api.requests.filter((request) => isListOfAccounts(request)).length >= before + 2,
    ),
  );
  await outage();
  expect(await served()).toEqual(expect.arrayContaining(STEADY));
  expect(await projected<{ namespace: string }>(cluster(), 'workspaces')).toEqual(workspaces);
  expect(await projected<{ domain: string }>(cluster(), 'domains')).toMatchObject([
    { domain: 'example.com' },
  ]);
  operator.api.rewrite = undefined;
  operator.api.fault = () => undefined;
  await declare('after-stale-lists');
  await ready('after-stale-lists');
  for (const steady of STEADY) await ready(steady);
}, 900_000);

const isListOfAccounts = (request: string): boolean =>
  request.includes('/smtpaccounts?') && !request.includes('watch=true');

test('it is gone altogether: the operator gives up its lease, starts anew, and removes nobody', async () => {
  operator.api.fault = () => 'silence';
  operator.api.cut();
  await declare('while-gone');
  const before = operator.restarts;
  await cluster().waitFor('the operator to end', () => Promise.resolve(operator.restarts > before), 60_000);
  operator.api.fault = () => undefined;
  operator.api.cut();
  await ready('while-gone');
  expect(await served()).toEqual(expect.arrayContaining(STEADY));
}, 900_000);

test('what was published has logged in all the time', async () => {
  const { attempts, failures } = await loop.end();
  expect(attempts).toBeGreaterThan(0);
  expect(failures).toEqual([]);
});
