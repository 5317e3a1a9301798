import { beforeAll, describe, expect, test } from '@jest/globals';
import { CORE_NAMES, load, only, synth, type Loaded } from './testing/cores.ts';

describe.each(CORE_NAMES)('constructs for %s', (name) => {
  let loaded: Loaded;
  beforeAll(async () => {
    loaded = await load(name);
  }, 120_000);

  test('an account with all that it takes', () => {
    const { Rotation, SendingLimit, SmtpAccount, SmtpRelay } = loaded.constructs;
    const { resource, terraform } = synth(loaded, (stack) => {
      new SmtpAccount(stack, 'OrderMail', {
        namespace: 'shop',
        displayName: 'Orders',
        relay: SmtpRelay.fromName('relay', 'mail'),
        limits: SendingLimit.perDay(10_000).perHour(1_000).rejecting(),
        rotation: Rotation.revision(2).overlap('48h').reset(1),
        secret: { format: 'Env', keys: { MAIL_URL: '{{uri}}' } },
        rolloutTargets: [{ kind: 'Deployment', name: 'shop' }],
      });
    });
    expect(only(resource['migosmtp_smtp_account'])).toEqual({
      name: 'order-mail',
      namespace: 'shop',
      display_name: 'Orders',
      relay_ref: { name: 'relay', namespace: 'mail' },
      limits: { per_day: 10_000, per_hour: 1_000, on_window_limit: 'Reject' },
      rotation: { revision: 2, overlap: '48h', reset_revision: 1 },
      secret: { format: 'Env', keys: { MAIL_URL: '{{uri}}' } },
      rollout_targets: [{ kind: 'Deployment', name: 'shop' }],
    });
    expect(terraform.required_providers).toEqual({
      migosmtp: { source: 'migosmtp/migosmtp', version: '~> 0.1' },
    });
  });

  test('an account without anything states nothing but its name', () => {
    const { resource } = synth(loaded, (stack) => void new loaded.constructs.SmtpAccount(stack, 'Web'));
    expect(only(resource['migosmtp_smtp_account'])).toEqual({ name: 'web' });
  });

  test('relay, plan and domain', () => {
    const { AllowedNamespaces, Delivery, PlanLimit, SmtpRelay, Storage, VerifiedDomain } = loaded.constructs;
    const { resource } = synth(loaded, (stack) => {
      const relay = new SmtpRelay(stack, 'Relay', {
        delivery: Delivery.smarthost({ host: 'smtp.example.net', credentialsSecretName: 'next-hop' }),
        storage: Storage.postgres('database'),
        replicas: 2,
        bounces: true,
        reportRetention: '24h',
        tlsSecretName: 'certificate',
        podTemplate: { spec: { priorityClassName: 'mail' } },
      });
      new PlanLimit(stack, 'Plan', { plan: '20k', emails: { perDay: 500 }, dependsOn: [relay] });
      new VerifiedDomain(stack, 'Domain', {
        domain: 'example.com',
        relay,
        dkim: { keyType: 'Both', rotationInterval: '2160h' },
        allowedNamespaces: AllowedNamespaces.labelled({ team: 'shop' }),
      });
    });
    const relayId = Object.keys(resource['migosmtp_smtp_relay']!)[0]!;
    expect(only(resource['migosmtp_smtp_relay'])).toEqual({
      name: 'relay',
      delivery: {
        smarthost: { host: 'smtp.example.net', credentials_secret_ref: { name: 'next-hop' } },
      },
      storage: { postgres: { secret_ref: { name: 'database' } } },
      replicas: 2,
      bounces: { enabled: true },
      retention: { reports: '24h' },
      tls: { secret_name: 'certificate' },
      pod_template: '{"spec":{"priorityClassName":"mail"}}',
    });
    expect(only(resource['migosmtp_plan_limit'])).toEqual({
      name: 'plan',
      plan: '20k',
      emails: { per_day: 500 },
      depends_on: [`migosmtp_smtp_relay.${relayId}`],
    });
    expect(only(resource['migosmtp_verified_domain'])).toEqual({
      name: 'domain',
      domain: 'example.com',
      relay_ref: {
        name: `\${migosmtp_smtp_relay.${relayId}.name}`,
        namespace: `\${migosmtp_smtp_relay.${relayId}.namespace}`,
      },
      dkim: { key_type: 'Both', rotation_interval: '2160h' },
      allowed_namespaces: { from: 'Selector', selector: { match_labels: { team: 'shop' } } },
    });
  });

  test('grants become allowed senders, each once', () => {
    const { SmtpAccount, VerifiedDomain } = loaded.constructs;
    const { resource } = synth(loaded, (stack) => {
      const account = new SmtpAccount(stack, 'Web', { allowedSenders: ['ceo@example.org'] });
      const domain = new VerifiedDomain(stack, 'Domain', { domain: 'example.com' });
      domain.grantSend(account, 'orders', 'invoices');
      domain.grantSend(account, 'orders');
      VerifiedDomain.fromDomainName(stack, 'Shared', 'example.net').grantSend(account);
    });
    expect(only(resource['migosmtp_smtp_account'])['allowed_senders']).toEqual([
      'ceo@example.org',
      'orders@example.com',
      'invoices@example.com',
      '*@example.net',
    ]);
  });

  test('removal policies', () => {
    const { Delivery, RemovalPolicy, SmtpAccount, SmtpRelay } = loaded.constructs;
    const { resource } = synth(loaded, (stack) => {
      const delivery = Delivery.direct();
      new SmtpRelay(stack, 'Relay', { delivery, removalPolicy: RemovalPolicy.DELETE });
      new SmtpAccount(stack, 'Kept', { removalPolicy: RemovalPolicy.RETAIN });
      new SmtpAccount(stack, 'Safe', { removalPolicy: RemovalPolicy.PROTECT });
    });
    expect(only(resource['migosmtp_smtp_relay'])['deletion_policy']).toBe('Delete');
    expect(Object.values(resource['migosmtp_smtp_account']!)).toEqual([
      { name: 'kept', secret: { deletion_policy: 'Retain' } },
      { name: 'safe', lifecycle: { prevent_destroy: true } },
    ]);
  });

  test('what the construct does not offer is reached through its Resource', () => {
    const { SmtpAccount } = loaded.constructs;
    const { resource } = synth(loaded, (stack) => {
      const account = new SmtpAccount(stack, 'Web');
      expect(account.node.defaultChild).toBe(account.resource);
      expect(account.resource.node.id).toBe('Resource');
      account.resource.addOverride('rotation.overlap', '1h');
    });
    expect(only(resource['migosmtp_smtp_account'])['rotation']).toEqual({ overlap: '1h' });
  });

  test('an account that is declared elsewhere is looked up', () => {
    const { SmtpAccount } = loaded.constructs;
    const { data, output } = synth(loaded, (stack) => {
      const account = SmtpAccount.fromName(stack, 'Web', 'web', { namespace: 'shop' });
      new loaded.core.TerraformOutput(stack, 'mount', { value: account.mount('/mail') });
    });
    expect(only(data!['migosmtp_smtp_account'])).toEqual({ name: 'web', namespace: 'shop' });
    const id = Object.keys(data!['migosmtp_smtp_account']!)[0]!;
    expect(output!['mount']!.value).toEqual({
      volume: {
        name: 'smtp-credentials',
        secret: { secretName: `\${data.migosmtp_smtp_account.${id}.secret_name}` },
      },
      volumeMount: { name: 'smtp-credentials', mountPath: '/mail', readOnly: true },
    });
  });

  test('records to publish, and the wait for them', () => {
    const { VerifiedDomain } = loaded.constructs;
    const { resource, output } = synth(loaded, (stack) => {
      const domain = new VerifiedDomain(stack, 'Domain', { domain: 'example.com' });
      domain.verification({ timeout: '30m' });
      new loaded.core.TerraformOutput(stack, 'dkim', { value: domain.record('dkim') });
    });
    const domain = `migosmtp_verified_domain.${Object.keys(resource['migosmtp_verified_domain']!)[0]!}`;
    expect(output!['dkim']!.value).toEqual({
      type: `\${${domain}.dkim_record.type}`,
      name: `\${${domain}.dkim_record.name}`,
      value: `\${${domain}.dkim_record.value}`,
    });
    expect(only(resource['migosmtp_domain_verification'])).toEqual({
      name: `\${${domain}.name}`,
      namespace: `\${${domain}.namespace}`,
      domain_uid: `\${${domain}.uid}`,
      timeouts: { create: '30m' },
    });
  });

  test('credentials are ephemeral, and opened after the account works', () => {
    const { SmtpAccount, SmtpCredentials } = loaded.constructs;
    const { resource, ephemeral } = synth(loaded, (stack) => {
      const account = new SmtpAccount(stack, 'Web', { namespace: 'shop' });
      const login = new SmtpCredentials(stack, 'Login', { account });
      account.resource.addOverride('annotations', { p: login.password, n: `${login.port}` });
    });
    const account = `migosmtp_smtp_account.${Object.keys(resource['migosmtp_smtp_account']!)[0]!}`;
    const [id, block] = Object.entries(ephemeral!['migosmtp_smtp_credentials']!)[0]!;
    expect(block).toEqual({ name: 'web', namespace: 'shop', uid: `\${${account}.uid}` });
    expect(only(resource['migosmtp_smtp_account'])['annotations']).toEqual({
      p: `\${ephemeral.migosmtp_smtp_credentials.${id}.password}`,
      n: `\${ephemeral.migosmtp_smtp_credentials.${id}.port}`,
    });
  });
});
