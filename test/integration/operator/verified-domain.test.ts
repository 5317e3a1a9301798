/** VerifiedDomain on the real control plane, against a real authoritative name server. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { NAMESPACE } from '../../../operator/install/index.ts';
import type { ZoneRecord } from '../../support/dns-server.ts';
import {
  apply,
  conditionOf,
  install,
  isReady,
  kind,
  namespace,
  projected,
  relay,
  remove,
  until,
  type Installation,
  type Thing,
} from './support/installation.ts';

let world: Installation;

beforeAll(async () => {
  world = await install({
    zones: [
      'example.com',
      'claimed.example',
      'fading.example',
      'wide.example',
      'big.example',
      'turning.example',
    ],
    env: { DNS_GRACE_CHECKS: '3', DNS_GRACE_SECONDS: '3' },
  });
  await relay(world);
  await namespace(world.cluster, 'shop');
  await namespace(world.cluster, 'other');
}, 1_200_000);
afterAll(() => world.stop());

interface Listed {
  type: string;
  name: string;
  value: string;
  state: string;
  observed?: string;
}

const listed = (object: Thing): Record<string, Listed> =>
  (object.status?.['dnsRecords'] ?? {}) as Record<string, Listed>;
const records = (object: Thing): ZoneRecord[] => Object.values(listed(object));
const declare = (ns: string, name: string, spec: object): Promise<Thing> =>
  apply(world.cluster, kind('VerifiedDomain', ns, name, spec));
const wait = (ns: string, name: string, check: (object: Thing) => boolean, timeoutMs?: number) =>
  until(world.cluster, 'VerifiedDomain', ns, name, check, timeoutMs);
const hasReason =
  (reason: string, type = 'Ready') =>
  (object: Thing): boolean =>
    conditionOf(object, type)?.reason === reason;

interface Entry {
  domain: string;
  workspaces: string[];
  dkim: { selector: string }[];
}

/** What the relay has been told of a domain. */
async function onRelay(domain: string): Promise<Entry | undefined> {
  return (await projected<Entry>(world.cluster, 'domains')).find((entry) => entry.domain === domain);
}

test('its records are listed before DNS is asked, and it is Ready two seconds after they are published', async () => {
  await declare('shop', 'main', { domain: 'example.com', recheckInterval: '1s' });
  const fresh = await wait('shop', 'main', (object) => records(object).length === 4);
  expect(Object.keys(listed(fresh)).toSorted()).toEqual(['dkim', 'dmarc', 'ownership', 'spf']);
  const waiting = await wait('shop', 'main', hasReason('AwaitingDNS'));
  expect(conditionOf(waiting)?.status).toBe('Unknown');
  expect(await onRelay('example.com')).toBeUndefined();
  await world.dns.publish(records(fresh));
  const ready = await wait('shop', 'main', isReady);
  console.log(`records listed after ${fresh.ms} ms; Ready ${ready.ms} ms after they were published`);
  expect(ready.ms).toBeLessThan(2500);
  expect(await onRelay('example.com')).toMatchObject({
    workspaces: ['shop'],
    dkim: [{ selector: listed(ready)['dkim']!.name.split('.')[0] }],
  });
});

test('a DKIM key that DNS does not show does not sign', async () => {
  await declare('shop', 'big', { domain: 'big.example', dkim: { keyType: 'Both' } });
  const fresh = await wait('shop', 'big', (object) => records(object).length === 5);
  const { ownership, dkim, dkimEd25519 } = listed(fresh);
  await world.dns.publish([ownership!]);
  await world.cluster.waitFor('the relay', async () => (await onRelay('big.example'))?.dkim.length === 0);
  await world.dns.publish([dkim!]);
  await world.cluster.waitFor('the RSA key', async () => (await onRelay('big.example'))?.dkim.length === 1);
  await world.dns.publish([dkimEd25519!]);
  await world.cluster.waitFor('both keys', async () => (await onRelay('big.example'))?.dkim.length === 2);
  const ready = await wait('shop', 'big', isReady);
  expect(conditionOf(ready)?.reason).toBe('VerifiedWithWarnings');
});

test('a DKIM key is changed without a gap: the next one signs once DNS shows it', async () => {
  const spec = { domain: 'turning.example', recheckInterval: '1s', dkim: { rotationInterval: '3s' } };
  await declare('shop', 'turning', spec);
  const fresh = await wait('shop', 'turning', (object) => records(object).length === 4);
  await world.dns.publish(records(fresh));
  await wait('shop', 'turning', isReady);
  const selectors = async (): Promise<string[]> =>
    (await onRelay('turning.example'))?.dkim.map(({ selector }) => selector) ?? [];
  const [old] = await selectors();
  const turning = await wait('shop', 'turning', (object) => listed(object)['dkimNext'] !== undefined);
  expect(await selectors()).toEqual([old]);
  expect(isReady(turning)).toBe(true);
  await world.dns.publish([listed(turning)['dkimNext']!]);
  const next = listed(turning)['dkimNext']!.name.split('.')[0];
  await world.cluster.waitFor('the next key', async () => (await selectors())[0] !== old);
  expect(await selectors()).toEqual([next]);
  const turned = await wait('shop', 'turning', isReady);
  expect(listed(turned)['dkim']?.name.split('.')[0]).toBe(old);
});

describe('DNS that fails', () => {
  test('changes nothing: the domain stays on the relay, the step is Unknown', async () => {
    world.dns.pause();
    try {
      const unknown = await wait('shop', 'main', hasReason('LookupFailed', 'OwnershipVerified'), 30_000);
      expect(conditionOf(unknown, 'OwnershipVerified')?.status).toBe('Unknown');
      expect(conditionOf(unknown)?.status).toBe('True');
      expect(await onRelay('example.com')).toBeDefined();
    } finally {
      world.dns.resume();
    }
    await wait('shop', 'main', hasReason('RecordFound', 'OwnershipVerified'), 60_000);
  }, 120_000);

  test('and a record that is really gone counts on through the grace period, then no more', async () => {
    await declare('shop', 'fading', { domain: 'fading.example', recheckInterval: '1s' });
    const fresh = await wait('shop', 'fading', (object) => records(object).length === 4);
    await world.dns.publish(records(fresh));
    await wait('shop', 'fading', isReady);
    await world.dns.withdraw(listed(fresh)['ownership']!.name);
    const grace = await wait('shop', 'fading', hasReason('GracePeriod'));
    expect(conditionOf(grace, 'OwnershipVerified')?.status).toBe('Unknown');
    expect(await onRelay('fading.example')).toBeDefined();
    const lost = await wait('shop', 'fading', hasReason('OwnershipLost'));
    expect(conditionOf(lost)?.status).toBe('False');
    await world.cluster.waitFor('the relay', async () => (await onRelay('fading.example')) === undefined);
    await world.dns.publish([listed(fresh)['ownership']!]);
    await wait('shop', 'fading', isReady);
  }, 60_000);
});

describe('two namespaces that claim one domain', () => {
  test('need different records; who proves it first keeps it until it gives it up', async () => {
    await declare('other', 'late', { domain: 'claimed.example', recheckInterval: '1h' });
    await declare('shop', 'first', { domain: 'claimed.example', recheckInterval: '1s' });
    const late = await wait('other', 'late', (object) => records(object).length === 4);
    const first = await wait('shop', 'first', (object) => records(object).length === 4);
    expect(listed(late)['ownership']!.value).not.toBe(listed(first)['ownership']!.value);
    await world.dns.publish(records(first));
    await wait('shop', 'first', isReady);
    const both = [listed(first)['ownership']!, listed(late)['ownership']!];
    await world.dns.publish([...both, listed(late)['dkim']!]);
    const refused = await wait('other', 'late', hasReason('ClaimedByAnother'));
    expect(conditionOf(refused, 'Stalled')?.status).toBe('True');
    expect(conditionOf(refused)?.message).not.toContain('shop');
    expect((await onRelay('claimed.example'))?.workspaces).toEqual(['shop']);
    // The record of who had it goes: after the grace period the other has it, without waiting for its own recheck.
    await world.dns.publish([listed(late)['ownership']!]);
    await wait('other', 'late', isReady);
    expect((await onRelay('claimed.example'))?.workspaces).toEqual(['other']);
    await world.dns.publish(both);
    await wait('shop', 'first', hasReason('RecordFound', 'DKIMValid'));
    expect((await onRelay('claimed.example'))?.workspaces).toEqual(['other']);
    await remove(world.cluster, 'VerifiedDomain', 'other', 'late');
    await wait('shop', 'first', isReady);
    expect((await onRelay('claimed.example'))?.workspaces).toEqual(['shop']);
  }, 60_000);
});

test('other namespaces may use a domain that admits them, and only while it does', async () => {
  await namespace(world.cluster, 'wide-a', { mail: 'yes' });
  await declare('shop', 'wide', {
    domain: 'wide.example',
    allowedNamespaces: { from: 'Selector', selector: { matchLabels: { mail: 'yes' } } },
  });
  const fresh = await wait('shop', 'wide', (object) => records(object).length === 4);
  await world.dns.publish(records(fresh));
  await wait('shop', 'wide', isReady);
  expect((await onRelay('wide.example'))?.workspaces).toEqual(['shop', 'wide-a']);
  await namespace(world.cluster, 'wide-b', { mail: 'yes' });
  await world.cluster.waitFor(
    'a new one',
    async () => (await onRelay('wide.example'))?.workspaces.length === 3,
  );
  await namespace(world.cluster, 'wide-a', { mail: 'no' });
  await world.cluster.waitFor(
    'one less',
    async () => (await onRelay('wide.example'))?.workspaces.length === 2,
  );
});

test('a domain that is deleted leaves the relay; declared again it asks for the same records', async () => {
  const before = await wait('shop', 'main', isReady);
  await remove(world.cluster, 'VerifiedDomain', 'shop', 'main');
  await world.cluster.waitFor('the relay', async () => (await onRelay('example.com')) === undefined);
  await declare('shop', 'main', { domain: 'example.com', recheckInterval: '1s' });
  const after = await wait('shop', 'main', isReady);
  const values = (object: Thing): string[] =>
    Object.values(listed(object)).map(({ name, value }) => `${name} ${value}`);
  expect(values(after)).toEqual(values(before));
});

test('a restarted operator asks nothing anew, writes nothing, and keeps the domain on the relay', async () => {
  await declare('shop', 'main', { domain: 'example.com', recheckInterval: '1h' });
  const before = await wait('shop', 'main', isReady);
  const pods = `/api/v1/namespaces/${NAMESPACE}/pods?labelSelector=app.kubernetes.io/name=migosmtp-operator`;
  const old = (await world.cluster.api.get<{ items: Thing[] }>(pods)).items.map(
    ({ metadata }) => metadata.uid,
  );
  await world.cluster.api.call('DELETE', pods);
  world.dns.pause();
  try {
    await world.cluster.waitFor('a new operator', async () => {
      const { items } = await world.cluster.api.get<{ items: Thing[] }>(pods);
      return items.some((pod) => !old.includes(pod.metadata.uid) && conditionOf(pod)?.status === 'True');
    });
    await declare('shop', 'probe', { domain: 'probe.example.com' });
    await wait('shop', 'probe', (object) => records(object).length === 4, 60_000);
    const after = await wait('shop', 'main', () => true);
    expect(after.status).toEqual(before.status);
    expect(await onRelay('example.com')).toBeDefined();
  } finally {
    world.dns.resume();
  }
}, 120_000);
