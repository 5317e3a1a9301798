/**
 * The operator is killed at each write while a domain is declared, changes its DKIM key, and is deleted: it converges,
 * asks for the records that it asked for before, and what signs is always a key that DNS shows.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { ZoneRecord } from '../../support/dns-server.ts';
import {
  create,
  get,
  isReady,
  kind,
  namespace,
  projected,
  relay,
  remove,
  until,
  type Thing,
} from '../../integration/operator/support/installation.ts';
import { isFull, sized } from '../support/size.ts';
import { killedAtEach, type Deed } from './support/killed-at-each.ts';
import { isWrite, ProxiedOperator } from './support/proxied-operator.ts';

const TEAM = 'team';
const MOST_STEPS = 16;
const MOMENTS = isFull ? (['before', 'after'] as const) : (['after'] as const);
/** Reduced: every other write. */
const STRIDE = sized(1, 2);
type Moment = (typeof MOMENTS)[number];
let operator: ProxiedOperator;

beforeAll(async () => {
  operator = await ProxiedOperator.start();
  await relay(operator.world);
  await namespace(cluster(), TEAM);
}, 1_200_000);
afterAll(() => operator?.stop());

const cluster = () => operator.world.cluster;
const killedEach = (moment: Moment, deed: Deed): Promise<number> => {
  const arm = (n: number) => operator.armKill(n, moment, isWrite);
  return killedAtEach({ operator, arm, mostSteps: MOST_STEPS, stride: STRIDE }, deed);
};
const wait = (name: string, check: (object: Thing) => boolean): Promise<Thing> =>
  until(cluster(), 'VerifiedDomain', TEAM, name, check, 60_000);
const domainOf = (name: string): string => `${name}.example.com`;

type Listed = Record<string, ZoneRecord>;
/** The records that people are asked for, without what DNS says of them. */
function asked({ status }: Thing): Listed {
  const records = (status?.['dnsRecords'] ?? {}) as Listed;
  return Object.fromEntries(
    Object.entries(records).map(([use, { type, name, value }]) => [use, { type, name, value }]),
  );
}

interface Entry {
  domain: string;
  dkim: { selector: string }[];
}
/** Selectors that the relay signs with; undefined while it does not have the domain. */
async function signing(name: string): Promise<string[] | undefined> {
  const entries = (await projected<Entry>(cluster(), 'domains')).filter(
    ({ domain }) => domain === domainOf(name),
  );
  expect(entries.length).toBeLessThan(2);
  return entries[0]?.dkim.map(({ selector }) => selector);
}

const published = new Set<string>();
async function publish(records: Listed): Promise<void> {
  const fresh = Object.values(records).filter(({ name }) => !published.has(name));
  for (const { name } of fresh) published.add(name);
  if (fresh.length > 0) await operator.world.dns.publish(fresh);
}

/** Declared, its records published, Ready. */
async function readyDomain(name: string): Promise<Thing> {
  const told = await wait(name, (object) => Object.keys(asked(object)).length >= 4);
  await publish(asked(told));
  return wait(name, isReady);
}

/** Whatever signs is shown by DNS. */
async function expectShown(name: string): Promise<void> {
  for (const selector of (await signing(name)) ?? []) {
    expect(published).toContain(`${selector}._domainkey.${domainOf(name)}`);
  }
}

test.each(MOMENTS)(
  'declared, killed %s each write: the records that were asked for are the ones that count',
  async (moment) => {
    const name = (n: number): string => `new-${moment}-${n}`;
    const told = new Map<number, Listed>();
    const steps = await killedEach(moment, {
      act: (n) =>
        create(
          cluster(),
          kind('VerifiedDomain', TEAM, name(n), { domain: domainOf(name(n)), recheckInterval: '1s' }),
        ),
      whileDead: async (n) => {
        told.set(n, asked(await get(cluster(), 'VerifiedDomain', TEAM, name(n))));
        await expectShown(name(n));
      },
      converged: (n) => readyDomain(name(n)),
    });
    expect(steps).toBeGreaterThanOrEqual(4);
    for (let n = 1; n <= steps + 1; n += STRIDE) {
      const present = asked(await get(cluster(), 'VerifiedDomain', TEAM, name(n)));
      expect(present).toMatchObject(told.get(n) ?? {});
      expect(await signing(name(n))).toEqual([present['dkim']!.name.split('.')[0]]);
    }
  },
  900_000,
);

test.each(MOMENTS)(
  'its DKIM key changes, killed %s each write: one next key, which signs once DNS shows it',
  async (moment) => {
    const name = (n: number): string => `turning-${moment}-${n}`;
    const steps = await killedEach(moment, {
      prepare: async (n) => {
        const spec = { domain: domainOf(name(n)), recheckInterval: '1s' };
        await create(cluster(), kind('VerifiedDomain', TEAM, name(n), spec));
        await readyDomain(name(n));
      },
      act: (n) => {
        const path = `/apis/migosmtp.com/v1alpha1/namespaces/${TEAM}/verifieddomains/${name(n)}`;
        const spec = { dkim: { rotationInterval: '1s' } };
        return cluster().api.call('PATCH', path, { spec }, { patch: 'merge' });
      },
      whileDead: async (n) => {
        expect(await signing(name(n))).toHaveLength(1);
        await expectShown(name(n));
      },
      converged: async (n) => {
        const turning = await wait(name(n), (object) => asked(object)['dkimNext'] !== undefined);
        const next = asked(turning)['dkimNext']!;
        await publish({ next });
        const selector = next.name.split('.')[0];
        await cluster().waitFor(
          'the next key to sign',
          async () => (await signing(name(n)))?.[0] === selector,
        );
        await wait(name(n), isReady);
        expect(asked(await get(cluster(), 'VerifiedDomain', TEAM, name(n)))['dkimNext']).toEqual(next);
      },
    });
    expect(steps).toBeGreaterThanOrEqual(3);
  },
  900_000,
);

test.each(MOMENTS)(
  'deleted, killed %s each write: it is off the relay, and declared again it asks for the same records',
  async (moment) => {
    const name = (n: number): string => `gone-${moment}-${n}`;
    const spec = (n: number): object => ({ domain: domainOf(name(n)), recheckInterval: '1s' });
    const told = new Map<number, Listed>();
    const steps = await killedEach(moment, {
      prepare: async (n) => {
        await create(cluster(), kind('VerifiedDomain', TEAM, name(n), spec(n)));
        told.set(n, asked(await readyDomain(name(n))));
      },
      act: (n) => remove(cluster(), 'VerifiedDomain', TEAM, name(n)),
      converged: (n) =>
        cluster().waitFor('it to go', async () => (await signing(name(n))) === undefined, 60_000),
    });
    expect(steps).toBeGreaterThanOrEqual(1);
    await create(cluster(), kind('VerifiedDomain', TEAM, name(1), spec(1)));
    expect(asked(await wait(name(1), isReady))).toEqual(told.get(1));
  },
  900_000,
);
