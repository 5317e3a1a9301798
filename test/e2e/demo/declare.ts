/** From code to a working login: synth, apply, roll out, prove the domain. */
import type { DnsRecord, SmtpRelay, VerifiedDomain } from '@migosmtp/operator/api';
import { applyApp, type App } from './app.ts';
import { firstMatch } from './timing.ts';
import { terraform } from './terraform.ts';
import { DOMAIN, WORKSPACE, type World } from './world.ts';

const API = `/apis/migosmtp.com/v1alpha1/namespaces/${WORKSPACE}`;

/** Synthesise the app and apply it: relay, plan, domain and account. */
export async function declare(world: World, app: App): Promise<void> {
  const { steps, cluster } = world;
  await steps.run(
    'declared: a CDKTF app with relay, plan, domain and account, applied by terraform',
    async (note) => {
      await cluster.kubectl(['create', 'namespace', WORKSPACE]);
      await app.synthesise();
      note(`synthesised examples/cdktf-app: ${(await terraform(['version'], app.terraform)).split('\n')[0]}`);
      await terraform(['init', '-input=false'], app.terraform);
      await applyApp(world, app, note);
      const again = await terraform(['plan', '-input=false', '-detailed-exitcode'], app.terraform);
      note(/No changes\.[^\n]*/.exec(again)?.[0] ?? 'planned again');
    },
  );
}

/** The relay's Deployment has rolled out, and status says where clients connect. */
export async function rollOut(world: World): Promise<void> {
  const { steps, cluster } = world;
  await steps.run('relay rolled out', async (note) => {
    const path = { collection: `${API}/smtprelays`, name: 'relay' };
    const relay = await firstMatch<SmtpRelay>(cluster, path, isReady);
    note(
      `${relay.object.status?.readyReplicas} of ${relay.object.status?.replicas} pods ready at ${relay.object.status?.address}, ports 587 and 465`,
    );
    note(`configuration revision ${relay.object.status?.revision}, ${relay.object.status?.accounts} account`);
  });
}

/** Publish what status asks for, and see the domain proven. */
export async function proveDomain(world: World): Promise<void> {
  const { steps, cluster, dns } = world;
  await steps.run(
    `domain ${DOMAIN}: records published to the name server, then verified by DNS`,
    async (note) => {
      const list = await cluster.api.get<{ items: VerifiedDomain[] }>(`${API}/verifieddomains`);
      const domain = list.items.find((item) => item.spec.domain === DOMAIN);
      if (!domain) throw new Error(`no VerifiedDomain says ${DOMAIN}`);
      const path = { collection: `${API}/verifieddomains`, name: domain.metadata.name };
      const listed = await firstMatch<VerifiedDomain>(
        cluster,
        path,
        (object) => object.status?.dnsRecords?.dkim !== undefined,
      );
      const records = Object.values(listed.object.status?.dnsRecords ?? {}).filter(
        (record) => record !== undefined,
      );
      for (const record of records) note(`${record.name} ${record.type} ${shortened(record.value)}`);
      await dns.publish(records.map(zoneRecord));
      const publishedAt = Date.now();
      const verified = await firstMatch<VerifiedDomain>(cluster, path, (object) => isReady(object));
      note(`Ready ${((verified.at - publishedAt) / 1000).toFixed(2)} s after the records were there`);
    },
  );
}

function zoneRecord(record: DnsRecord): { name: string; type: 'TXT' | 'CNAME' | 'MX'; value: string } {
  return { name: record.name, type: record.type as 'TXT' | 'CNAME' | 'MX', value: record.value };
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function isReady(object: SmtpRelay | VerifiedDomain): boolean {
  return (
    object.status?.conditions?.some(
      (condition) => condition.type === 'Ready' && condition.status === 'True',
    ) ?? false
  );
}
