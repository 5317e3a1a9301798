/** Each refusal of the cluster becomes one diagnostic: what happened, to which object, what to do. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { startCluster, type Cluster } from '../../cluster/index.ts';
import { objectPath, StandIn, type CustomObject } from './stand-in.ts';
import { Terraform } from './terraform.ts';

jest.setTimeout(120_000);

let cluster: Cluster;
let operator: StandIn;
let terraform: Terraform;
const provider = (body = `config_path = "${cluster.kubeconfig}"`) => `provider "migosmtp" {
  ${body}
}
`;
const account = (name: string, body = '') => `resource "migosmtp_smtp_account" "it" {
  name = "${name}"
  ${body}
}
`;

beforeAll(async () => {
  cluster = await startCluster({ agent: false });
  operator = new StandIn(cluster.api);
  terraform = await Terraform.start(provider());
}, 600_000);
afterAll(async () => {
  terraform?.remove();
  await operator?.stop();
  await cluster?.stop();
});

/** A fresh state for each test: what one leaves behind is no business of the next. */
async function start(configuration: string): Promise<void> {
  terraform.remove();
  terraform = await Terraform.start(configuration);
}

describe('an object that exists already', () => {
  it('is not touched, and the way to import it is told', async () => {
    const object = {
      apiVersion: 'migosmtp.com/v1alpha1',
      kind: 'SmtpAccount',
      metadata: { name: 'theirs', namespace: 'default' },
      spec: { displayName: 'theirs' },
    };
    await cluster.api.call('POST', objectPath('smtpaccounts', ''), object);
    await start(provider() + account('theirs', 'display_name = "ours"'));
    const output = await terraform.refused();
    expect(output).toContain('Error: Object exists already');
    expect(output).toContain('terraform import migosmtp_smtp_account.<name> default/theirs');
    const live = await cluster.api.get<CustomObject>(objectPath('smtpaccounts', 'theirs'));
    expect(live.spec).toEqual({ displayName: 'theirs' });
  });
});

describe('a field that another manager owns', () => {
  const takeOver = (body: object) =>
    cluster.api.call(
      'PATCH',
      `${objectPath('smtpaccounts', 'shared')}?fieldManager=gitops&force=true`,
      { apiVersion: 'migosmtp.com/v1alpha1', kind: 'SmtpAccount', ...body },
      { patch: 'apply' },
    );

  it('is a conflict that names the manager; force_conflicts takes it over', async () => {
    await start(provider() + account('shared', 'limits = { per_day = 500 }'));
    await terraform.apply();
    await takeOver({ spec: { limits: { perDay: 10 } } });
    const plan = await terraform.plan();
    expect(plan.output).toMatch(/per_day = 10 -> 500/);
    const output = await terraform.refused();
    expect(output).toContain('Error: Fields belong to another manager');
    expect(output).toContain('gitops');
    expect(output).toContain('force_conflicts = true');
    terraform.write(provider() + account('shared', 'limits = { per_day = 500 }\n force_conflicts = true'));
    await terraform.apply();
    const live = await cluster.api.get<CustomObject>(objectPath('smtpaccounts', 'shared'));
    expect(live.spec).toEqual({ limits: { perDay: 500 } });
    expect((await terraform.plan()).code).toBe(0);
  });

  it('that was never declared here is no drift and survives an update', async () => {
    await takeOver({ spec: { suspended: true }, metadata: { labels: { theirs: 'yes' } } });
    expect((await terraform.plan()).code).toBe(0);
    terraform.write(
      provider() +
        account('shared', 'limits = { per_day = 600 }\n force_conflicts = true\n labels = { a = "b" }'),
    );
    await terraform.apply();
    const live = await cluster.api.get<CustomObject>(objectPath('smtpaccounts', 'shared'));
    expect(live.spec).toEqual({ limits: { perDay: 600 }, suspended: true });
    expect(live.metadata.labels).toEqual({ theirs: 'yes', a: 'b' });
    expect((await terraform.plan()).code).toBe(0);
  });
});

describe('admission', () => {
  it('refuses beyond a quota in the words of the API server, which name the plan', async () => {
    await cluster.api.call('POST', '/api/v1/namespaces', { metadata: { name: 'full' } });
    await cluster.api.call('POST', '/api/v1/namespaces/full/resourcequotas', {
      metadata: { name: 'plan-10k' },
      spec: { hard: { 'count/smtpaccounts.migosmtp.com': '0' } },
    });
    await cluster.waitFor('the quota to count', async () => {
      const quota = await cluster.api.get<{ status?: { hard?: object } }>(
        '/api/v1/namespaces/full/resourcequotas/plan-10k',
      );
      return quota.status?.hard !== undefined && Object.keys(quota.status.hard).length > 0;
    });
    await start(provider() + account('sixth', 'namespace = "full"'));
    const output = await terraform.refused();
    expect(output).toContain('Error: The plan allows no more');
    expect(output).toContain('exceeded quota: plan-10k');
    expect(output).toContain(
      'used: count/smtpaccounts.migosmtp.com=0, limited: count/smtpaccounts.migosmtp.com=0',
    );
    expect(output).toContain('on main.tf line');
  });

  it('refuses in a namespace that does not exist', async () => {
    await start(provider() + account('lost', 'namespace = "nowhere"'));
    const output = await terraform.refused();
    expect(output).toContain('Error: Kind or namespace is not in the cluster');
    expect(output).toContain('namespaces "nowhere" not found');
  });
});

describe('an identity', () => {
  const withToken = (token: string) =>
    provider(`host = "${cluster.record.server}"
      cluster_ca_certificate = <<-EOT
${cluster.api.access.authority}
EOT
      token = "${token}"`);

  it('that is not known is told to renew its credentials', async () => {
    await start(withToken('not-a-token') + account('anyone'));
    const output = await terraform.refused();
    expect(output).toContain('Error: Credentials are not accepted');
    expect(output).not.toContain('not-a-token');
  });

  it('without the right is told which right it lacks', async () => {
    await start(withToken(await serviceAccountToken()) + account('anyone'));
    const output = await terraform.refused();
    expect(output).toContain('Error: Not allowed to create');
    expect(output).toContain('system:serviceaccount:default:nobody');
    expect(output).toContain('RBAC');
  });

  it('is taken from an exec plugin', async () => {
    const token = await serviceAccountToken();
    const script = `printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}' "$TOKEN"`;
    const block = provider(`host = "${cluster.record.server}"
      cluster_ca_certificate = <<-EOT
${cluster.api.access.authority}
EOT
      exec {
        api_version = "client.authentication.k8s.io/v1"
        command     = "sh"
        args        = ["-c", ${JSON.stringify(script).replaceAll('%', '%')}]
        env         = { TOKEN = "${token}" }
      }`);
    await start(block + account('anyone'));
    expect(await terraform.refused()).toContain('system:serviceaccount:default:nobody');
  });

  it('may act as another one, in whose name the API server decides', async () => {
    const block = provider(`config_path = "${cluster.kubeconfig}"
      impersonate {
        user   = "system:serviceaccount:default:nobody"
        groups = ["system:serviceaccounts"]
      }`);
    await start(block + account('anyone'));
    const output = await terraform.refused();
    expect(output).toContain('Error: Not allowed to create');
    expect(output).toContain('system:serviceaccount:default:nobody');
  });

  async function serviceAccountToken(): Promise<string> {
    const path = '/api/v1/namespaces/default/serviceaccounts';
    await cluster.api.call('POST', path, { metadata: { name: 'nobody' } }, { allowed: [409] });
    const answer = await cluster.api.call<{ status: { token: string } }>('POST', `${path}/nobody/token`, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: 600 },
    });
    return answer?.status.token ?? '';
  }
});

describe('a cluster', () => {
  it('that does not answer is told by its address', async () => {
    await start(provider('host = "https://127.0.0.1:1"') + account('anyone'));
    const output = await terraform.refused();
    expect(output).toContain('Error: Cluster cannot be reached');
    expect(output).toContain('https://127.0.0.1:1');
    expect(output).toContain('ECONNREFUSED');
  });

  it('whose certificate is not trusted is told so', async () => {
    await start(provider(`host = "${cluster.record.server}"`) + account('anyone'));
    const output = await terraform.refused();
    expect(output).toContain('not trusted');
  });

  it('of a context that the kubeconfig lacks is told with those that it has', async () => {
    await start(
      provider(`config_path = "${cluster.kubeconfig}"\n config_context = "elsewhere"`) + account('anyone'),
    );
    const output = await terraform.refused();
    expect(output).toContain('no context "elsewhere"; it has "');
  });

  it('is found by KUBE_CONFIG_PATH alone', async () => {
    await start(provider('') + account('environment'));
    await terraform.apply({ env: { KUBE_CONFIG_PATH: cluster.kubeconfig } });
  });
});
