/**
 * What constructs and bindings say, held against the real terraform: bindings are generated from the schema that the
 * provider has in memory, so it must be the one that Terraform sees, and Terraform must take what they synthesise.
 */
/* oxlint-disable no-new -- a construct belongs to its scope by being made */
import { afterAll, expect, test } from '@jest/globals';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROVIDER_ADDRESS, providerSchemas } from '../../../provider/constructs/build/provider-schemas.ts';
import { schemaJson } from '../../../provider/constructs/build/schema-json.ts';
import { CORE_NAMES, load, synth } from '../../../provider/constructs/testing/cores.ts';
import { Workbench } from './terraform.ts';

const bench = new Workbench('bindings');
afterAll(() => bench.remove());

type Schemas = Record<string, Record<string, unknown>>;

test('the schema that bindings are made from is the one that terraform prints', async () => {
  writeFileSync(
    join(bench.folder, 'main.tf'),
    'terraform {\n  required_providers {\n    migosmtp = { source = "migosmtp/migosmtp" }\n  }\n}\n',
  );
  await bench.terraform(['init'], '.');
  const printed = JSON.parse(await bench.terraform(['providers', 'schema', '-json'], '.')) as {
    provider_schemas: Schemas;
  };
  const { functions, ...schemas } = printed.provider_schemas[PROVIDER_ADDRESS]!;
  expect(functions).toBeDefined();
  const own = schemaJson(PROVIDER_ADDRESS, providerSchemas())['provider_schemas'] as Schemas;
  expect(own[PROVIDER_ADDRESS]).toEqual(schemas);
}, 120_000);

test.each(CORE_NAMES)(
  'terraform takes everything that constructs over %s can say',
  async (name) => {
    const loaded = await load(name);
    const { constructs } = loaded;
    const stack = synth(loaded, (stack) => {
      const relay = new constructs.SmtpRelay(stack, 'Relay', {
        hostname: 'smtp.shop.example',
        replicas: 2,
        service: { type: 'LoadBalancer', annotations: { a: 'b' }, externalTrafficPolicy: 'Local' },
        tlsSecretName: 'certificate',
        delivery: constructs.Delivery.smarthost({
          host: 'smtp.example.net',
          port: 465,
          tls: 'Implicit',
          credentialsSecretName: 'next-hop',
          caSecret: { name: 'next-hop-ca' },
        }),
        bounces: true,
        storage: constructs.Storage.postgres('database', 'dsn'),
        allowedNamespaces: constructs.AllowedNamespaces.labelled({ team: 'shop' }),
        defaultPlan: '10k',
        messageLimits: { maxSize: '10Mi', maxRecipients: 50 },
        reportRetention: '24h',
        podTemplate: { spec: { nodeSelector: { pool: 'mail' } } },
      });
      const domain = new constructs.VerifiedDomain(stack, 'Domain', { domain: 'shop.example', relay });
      const account = new constructs.SmtpAccount(stack, 'Web', {
        relay,
        labels: { team: 'shop' },
        wait: false,
        timeouts: { create: '1m' },
        secret: { name: 'mail', format: 'Both', from: 'a@shop.example', keys: { MAIL_URL: '{{uri}}' } },
        rotation: constructs.Rotation.everyDays(30).revision(1).reset(1).overlap('1h30m'),
        limits: constructs.SendingLimit.perMinute(5).perMonth(5_000).queueing(),
        rolloutTargets: [{ kind: 'StatefulSet', name: 'web' }],
        dependsOn: [domain.verification({ timeout: '5m' })],
      });
      domain.grantSend(account);
      const login = new constructs.SmtpCredentials(stack, 'Login', { account });
      new constructs.MigosmtpProvider(stack, 'other', {
        alias: 'other',
        token: login.password,
        exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'login', args: ['now'] },
      });
      const other = constructs.SmtpAccount.fromName(stack, 'Other', 'other', { namespace: 'shop' });
      new loaded.core.TerraformOutput(stack, 'env', {
        value: [other.env(), account.mount(), domain.record('spf')],
      });
    });
    mkdirSync(join(bench.folder, name));
    writeFileSync(join(bench.folder, name, 'cdk.tf.json'), JSON.stringify(stack));
    await bench.terraform(['init'], name);
    expect(await bench.terraform(['validate'], name)).toContain('The configuration is valid');
  },
  120_000,
);
