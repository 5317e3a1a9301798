/** What apply waits for, how fast it ends, and what it says when the wait was in vain. */
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { startCluster, type Cluster } from '../../cluster/index.ts';
import { condition, objectPath, StandIn, writeStatus, type CustomObject } from './stand-in.ts';
import { Terraform, unframed } from './terraform.ts';

jest.setTimeout(120_000);

let cluster: Cluster;
let operator: StandIn;
let terraform: Terraform;
const configure = (body: string) => `provider "migosmtp" {
  config_path = "${cluster.kubeconfig}"
}
${body}`;
const account = (name: string, body = '') => `resource "migosmtp_smtp_account" "it" {
  name = "${name}"
  ${body}
}
`;
/** The stand-in leaves it alone: a test writes the status itself. */
const silent = 'annotations = { "test/silent" = "yes" }';
const exists = (plural: string, name: string) =>
  cluster.waitFor(`${plural} ${name}`, () => cluster.api.get(objectPath(plural, name)));

beforeAll(async () => {
  cluster = await startCluster({ agent: false });
  operator = new StandIn(cluster.api);
  terraform = await Terraform.start(configure(''));
}, 600_000);
afterAll(async () => {
  terraform?.remove();
  await operator?.stop();
  await cluster?.stop();
});
afterEach(async () => {
  operator.delayMs = 0;
  terraform.write(configure(''));
  await terraform.apply();
});

describe('an account', () => {
  it('is there at once when it is Ready', async () => {
    operator.delayMs = 700;
    terraform.write(configure(account('quick')));
    const trace = `${terraform.folder}/trace.log`;
    await terraform.apply({ env: { TF_LOG_PROVIDER: 'DEBUG', TF_LOG_PATH: trace } });
    const lines = terraform.read('trace.log').split('\n');
    const lastRead = lines.findLast((line) => line.includes('kubernetes request') && line.includes('GET'));
    const answeredAt = Date.parse(/^\S+/.exec(lastRead ?? '')?.[0] ?? '');
    const latencyMs = answeredAt - (operator.readyAt.get('quick') ?? 0);
    // About 15 ms on an idle machine; far below what any polling would take on a busy one.
    expect(latencyMs).toBeLessThan(300);
  });

  it('is done after a rotation only when status answers the revision', async () => {
    terraform.write(configure(account('turning', silent)));
    const created = terraform.apply();
    await exists('smtpaccounts', 'turning');
    const status = (revision: number, rotation: number) => (object: CustomObject) => ({
      credentials: { revision, issuedAt: '2026-01-01T00:00:00Z', answered: { rotation, reset: 0 } },
      conditions: [condition('Ready', 'True', object.metadata.generation ?? 0)],
    });
    await writeStatus(cluster.api, 'smtpaccounts', 'turning', status(1, 0));
    await created;
    terraform.write(configure(account('turning', `${silent}\n rotation = { revision = 1 }`)));
    let isDone = false;
    const rotated = terraform.apply().then(() => (isDone = true));
    await cluster.waitFor('generation 2', async () => {
      const found = await cluster.api.get<CustomObject>(objectPath('smtpaccounts', 'turning'));
      return found.metadata.generation === 2;
    });
    await writeStatus(cluster.api, 'smtpaccounts', 'turning', status(1, 0));
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(isDone).toBe(false);
    await writeStatus(cluster.api, 'smtpaccounts', 'turning', status(2, 1));
    await rotated;
    expect(terraform.attributes('migosmtp_smtp_account')['credentials_revision']).toBe(2);
  });

  it('is done while it is suspended on purpose', async () => {
    terraform.write(configure(account('resting', `${silent}\n suspended = true`)));
    const applied = terraform.apply();
    await exists('smtpaccounts', 'resting');
    await writeStatus(cluster.api, 'smtpaccounts', 'resting', ({ metadata }) => ({
      conditions: [condition('Ready', 'False', metadata.generation ?? 0, 'Suspended')],
    }));
    await applied;
  });

  it('that never gets ready ends with a timeout that shows conditions and events', async () => {
    terraform.write(configure(account('slow', `${silent}\n timeouts = { create = "4s" }`)));
    const refused = terraform.refused();
    await exists('smtpaccounts', 'slow');
    const { metadata } = await cluster.api.get<CustomObject>(objectPath('smtpaccounts', 'slow'));
    await cluster.api.call('POST', '/api/v1/namespaces/default/events', {
      metadata: { name: 'slow.1', namespace: 'default' },
      involvedObject: { kind: 'SmtpAccount', name: 'slow', namespace: 'default', uid: metadata.uid },
      type: 'Warning',
      reason: 'RelayUnavailable',
      message: 'no pod of relay main is ready',
    });
    await writeStatus(cluster.api, 'smtpaccounts', 'slow', () => ({
      conditions: [condition('Ready', 'Unknown', 1, 'RelayUnavailable', 'waits for relay default/main')],
    }));
    const output = await refused;
    expect(output).toContain('Error: Timeout');
    expect(output).toContain('SmtpAccount default/slow did not get ready within 4s');
    expect(output).toContain('Ready=Unknown RelayUnavailable: waits for relay default/main');
    expect(output).toContain('Warning RelayUnavailable: no pod of relay main is ready');
    expect(output).toContain('terraform untaint');
  });

  it('of the last generation does not count as ready', async () => {
    terraform.write(configure(account('stale')));
    await terraform.apply();
    terraform.write(
      configure(account('stale', `${silent}\n limits = { per_day = 1 }\n timeouts = { update = "2s" }`)),
    );
    expect(await terraform.refused()).toContain('Generation 2, observed 1.');
  });

  it('that is stalled for long fails with the reason, and one that recovers does not', async () => {
    terraform.write(configure(account('stuck', silent)));
    const started = Date.now();
    const refused = terraform.refused();
    await exists('smtpaccounts', 'stuck');
    await writeStatus(cluster.api, 'smtpaccounts', 'stuck', () => ({
      conditions: [
        condition('Ready', 'False', 1, 'SecretConflict', 'Secret stuck-smtp is foreign'),
        condition('Stalled', 'True', 1, 'SecretConflict', 'Secret stuck-smtp is foreign'),
      ],
    }));
    const output = await refused;
    expect(output).toContain('SecretConflict: Secret stuck-smtp is foreign');
    expect(Date.now() - started).toBeLessThan(40_000);
  });

  it('is not waited for with wait = false', async () => {
    terraform.write(configure(account('nowait', `${silent}\n wait = false`)));
    await terraform.apply();
    expect(terraform.attributes('migosmtp_smtp_account')['username']).toBeNull();
  });

  it('is gone when destroy ends, also with a finalizer in between', async () => {
    terraform.write(configure(account('leaving')));
    await terraform.apply();
    const path = objectPath('smtpaccounts', 'leaving');
    const finalizers = (list: string[]) =>
      cluster.api.call('PATCH', path, { metadata: { finalizers: list } }, { patch: 'merge' });
    await finalizers(['test/hold']);
    terraform.write(configure(''));
    const destroyed = terraform.apply();
    await cluster.waitFor('deletion', async () => {
      const found = await cluster.api.get<CustomObject>(path);
      return found.metadata.deletionTimestamp !== undefined;
    });
    await finalizers([]);
    await destroyed;
    expect((await cluster.api.send('GET', path)).status).toBe(404);
  });
});

describe('a domain', () => {
  const domain = `resource "migosmtp_verified_domain" "it" {
    name   = "shop"
    domain = "shop.example"
  }
  resource "migosmtp_domain_verification" "it" {
    name       = migosmtp_verified_domain.it.name
    domain_uid = migosmtp_verified_domain.it.uid
    timeouts   = { create = "20s" }
  }
  output "spf" {
    value = migosmtp_verified_domain.it.spf_record.value
  }`;

  it('is there when its records are known; its verification waits for DNS', async () => {
    terraform.write(configure(domain.replace('name   = "shop"', `name = "shop"\n ${silent}`)));
    let output = '';
    const applied = terraform.apply({ onOutput: (text) => (output = text) });
    await exists('verifieddomains', 'shop');
    const record = { type: 'TXT', name: 'shop.example', value: 'v=spf1 -all', state: 'Pending' };
    const dnsRecords = { ownership: record, dkim: record, spf: record };
    const waiting = [condition('Ready', 'Unknown', 1, 'AwaitingDns')];
    await writeStatus(cluster.api, 'verifieddomains', 'shop', () => ({ dnsRecords, conditions: waiting }));
    await cluster.waitFor('the domain to be made', () =>
      Promise.resolve(unframed(output).includes('migosmtp_verified_domain.it: Creation complete')),
    );
    expect(output).not.toContain('migosmtp_domain_verification.it: Creation complete');
    await writeStatus(cluster.api, 'verifieddomains', 'shop', () => ({
      domain: 'shop.example',
      dnsRecords,
      verifiedAt: '2026-01-02T03:04:05Z',
      conditions: [condition('Ready', 'True', 1)],
    }));
    await applied;
    expect(terraform.attributes('migosmtp_domain_verification')).toMatchObject({
      domain: 'shop.example',
      verified_at: '2026-01-02T03:04:05Z',
    });
    expect(await terraform.ok(['output', '-raw', 'spf'])).toBe('v=spf1 -all');
    expect((await terraform.plan()).code).toBe(0);
  });
});
