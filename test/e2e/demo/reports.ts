/** Delivery reports and usage, asked for with a person's own rights through the operator's reports API. */
import { join } from 'node:path';
import type { relayApi } from '@migosmtp/operator/api';
import type { App } from './app.ts';
import { OPERATOR_NAMESPACE, WORKSPACE, repository, type World } from './world.ts';

interface Usage {
  workspace: relayApi.WorkspaceUsage | null;
  accounts: relayApi.AccountUsage[];
}

interface Answer<T> {
  status: number;
  body: T & { error?: { code: string; message: string } };
}

const PERSON = 'auditor';

/** Both mails are reported as delivered, and counted; who has no right to the reports is told so. */
export async function showReports(world: World, app: App): Promise<void> {
  await world.steps.run("delivery reports and usage, asked for with a person's own rights", async (note) => {
    await addPerson(world);
    const path = `/v1/namespaces/${WORKSPACE}`;
    const refused = await ask<object>(world, `${path}/usage`);
    if (refused.status !== 403) throw new Error(`without a role usage was answered with ${refused.status}`);
    note(`without a role: ${refused.status} ${refused.body.error?.message}`);
    await grant(world);
    const reports = await untilDelivered(world, `${path}/accounts/${app.account}/reports`);
    for (const report of reports.slice(0, 2)) {
      note(
        `${report.queueId}: ${report.status} to ${report.recipient} at ${report.remoteHost}: ${report.response}`,
      );
    }
    const { body } = await ask<Usage>(world, `${path}/usage`);
    const month = body.workspace?.month;
    if (!month || month.used < 2) throw new Error(`usage does not count both mails: ${JSON.stringify(body)}`);
    note(`plan ${body.workspace?.plan}: ${month.used} of ${month.quota} emails this month`);
  });
}

/** The app may just have sent: a report is final a moment after the next hop took the mail. */
async function untilDelivered(world: World, path: string): Promise<relayApi.DeliveryReport[]> {
  return world.cluster.waitFor('reports of both mails', async () => {
    const { status, body } = await ask<relayApi.ReportPage>(world, path);
    if (status !== 200) throw new Error(`the reports API answered ${status}: ${body.error?.message}`);
    return (
      body.items.length >= 2 && body.items.every((report) => report.status === 'delivered') && body.items
    );
  });
}

async function addPerson({ cluster }: World): Promise<void> {
  await cluster.kubectl(['create', 'serviceaccount', PERSON, '--namespace', WORKSPACE]);
}

/** The role that the installation has for people. */
async function grant({ cluster }: World): Promise<void> {
  const who = `--serviceaccount=${WORKSPACE}:${PERSON}`;
  const what = '--clusterrole=migosmtp-edit';
  await cluster.kubectl(['create', 'rolebinding', PERSON, what, who, '--namespace', WORKSPACE]);
}

async function ask<T>({ cluster }: World, path: string): Promise<Answer<T>> {
  const map = await cluster.api.get<{ data: Record<string, string> }>(
    `/api/v1/namespaces/${OPERATOR_NAMESPACE}/configmaps/migosmtp-reports-ca`,
  );
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
  const token = await cluster.api.call<{ status: { token: string } }>(
    'POST',
    `/api/v1/namespaces/${WORKSPACE}/serviceaccounts/${PERSON}/token`,
    request,
  );
  const input = {
    url: `https://migosmtp-reports.${OPERATOR_NAMESPACE}.svc${path}`,
    token: token?.status.token,
    ca: map.data['ca.crt'],
  };
  const script = join(repository, 'test/support/python/get_json.py');
  const done = await cluster.exec(['/usr/bin/python3', script], {
    packages: ['python3'],
    input: JSON.stringify(input),
  });
  if (done.code !== 0) throw new Error(`the reports API was not reached: ${done.stderr.slice(-500)}`);
  return JSON.parse(done.stdout) as Answer<T>;
}
