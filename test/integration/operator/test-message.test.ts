/** TestMessage on the real control plane: a real login, a real next hop, the relay's own reports. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { NAMESPACE } from '../../../operator/install/index.ts';
import type { ZoneRecord } from '../../support/dns-server.ts';
import type { SunkMessage } from '../../support/mail-sink.ts';
import {
  apply,
  conditionOf,
  create,
  install,
  isReady,
  kind,
  namespace,
  relay,
  until,
  type Installation,
  type Thing,
} from './support/installation.ts';

let world: Installation;

beforeAll(async () => {
  world = await install();
  await relay(world);
  await namespace(world.cluster, 'shop');
  await apply(world.cluster, kind('VerifiedDomain', 'shop', 'domain', { domain: 'example.com' }));
  await apply(world.cluster, kind('SmtpAccount', 'shop', 'app', {}));
  const records = ({ status }: Thing): ZoneRecord[] =>
    Object.values((status?.['dnsRecords'] ?? {}) as Record<string, ZoneRecord>);
  const wait = (check: (object: Thing) => boolean) =>
    until(world.cluster, 'VerifiedDomain', 'shop', 'domain', check);
  await world.dns.publish(records(await wait((object) => records(object).length === 4)));
  await wait(isReady);
  await until(world.cluster, 'SmtpAccount', 'shop', 'app', isReady);
}, 1_200_000);
afterAll(() => world.stop());

const send = (name: string, spec: object): Promise<Thing> =>
  create(world.cluster, kind('TestMessage', 'shop', name, { accountRef: { name: 'app' }, ...spec }));
const wait = (name: string, check: (object: Thing) => boolean, timeoutMs?: number) =>
  until(world.cluster, 'TestMessage', 'shop', name, check, timeoutMs);
const isOver = ({ status }: Thing): boolean => ['Delivered', 'Failed'].includes(String(status?.['phase']));
const arrived = (messageId: unknown): SunkMessage[] =>
  world.sink.messages().filter(({ headers }) => headers['message-id'] === messageId);

test('is sent with the account’s own login, and ends when the smarthost has it', async () => {
  await send('first', { to: 'someone@elsewhere.example', subject: 'Grüße' });
  const done = await wait('first', isOver);
  console.log(`Delivered ${done.ms} ms after it was asked for`);
  expect(done.status).toMatchObject({
    phase: 'Delivered',
    queueId: expect.any(String),
    deliveredAt: expect.any(String),
  });
  expect(conditionOf(done)).toMatchObject({ status: 'True', reason: 'Delivered' });
  expect(conditionOf(done)?.message).toContain('the smarthost');
  const [mail] = arrived(done.status?.['messageId']);
  expect(mail).toMatchObject({ from: 'noreply@example.com', recipients: ['someone@elsewhere.example'] });
  expect(mail?.headers['dkim-signature']).toContain('d=example.com');
});

test('fails with the relay’s own words when the account may not send as that', async () => {
  await send('foreign', { to: 'someone@elsewhere.example', from: 'boss@not-ours.example' });
  const failed = await wait('foreign', isOver);
  expect(failed.status).toMatchObject({ phase: 'Failed' });
  expect(conditionOf(failed)).toMatchObject({ status: 'False', reason: 'Refused' });
  expect(String(failed.status?.['response'])).toMatch(/^550 5\.7\.1 /);
});

test('waits for an account that is not there yet', async () => {
  await create(
    world.cluster,
    kind('TestMessage', 'shop', 'early', { accountRef: { name: 'late' }, to: 'someone@elsewhere.example' }),
  );
  await wait('early', (object) => conditionOf(object)?.reason === 'AccountNotFound');
  await apply(world.cluster, kind('SmtpAccount', 'shop', 'late', {}));
  const done = await wait('early', isOver);
  expect(done.status?.['phase']).toBe('Delivered');
});

test('is sent once, however often the operator is killed', async () => {
  const names = Array.from({ length: 12 }, (_, index) => `many-${index}`);
  const pods = `/api/v1/namespaces/${NAMESPACE}/pods?labelSelector=app.kubernetes.io/name=migosmtp-operator`;
  let killed = 0;
  const kill = async (): Promise<void> => {
    const processes = await world.cluster.processes();
    for (const [name, { pid }] of processes) {
      if (!name.endsWith('-operator')) continue;
      try {
        process.kill(pid, 'SIGKILL');
        killed++;
      } catch {
        // it is being started again
      }
    }
  };
  for (const name of names) {
    await send(name, { to: 'someone@elsewhere.example' });
    if (names.indexOf(name) % 4 === 1) await kill();
  }
  expect(killed).toBeGreaterThan(0);
  await world.cluster.waitFor('the operator', async () => {
    const { items } = await world.cluster.api.get<{ items: Thing[] }>(pods);
    return items.some((pod) => conditionOf(pod)?.status === 'True');
  });
  for (const name of names) {
    const done = await wait(name, isOver, 60_000);
    expect(done.status?.['phase']).toBe('Delivered');
    expect(arrived(done.status?.['messageId'])).toHaveLength(1);
  }
}, 180_000);
