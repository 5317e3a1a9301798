import { beforeAll, describe, expect, test } from '@jest/globals';
import { API_VERSION, relayApi, type SmtpRelay, type SmtpRelaySpec } from '../../api/index.ts';
import type { AnyObject, Deployment, Secret } from '../../kube/index.ts';
import {
  AUTHORITY_MS,
  BACKDATE_MS,
  CERTIFICATE_MS,
  makeAuthority,
  signCertificate,
} from '../../pki/index.ts';
import { OPERATOR_LABELS } from '../../options.ts';
import { findCondition } from '../../runtime/index.ts';
import { decideRelay, settingsOf } from './decide.ts';
import { mergeTemplate } from './merge-template.ts';
import { certificateNames, labelsOf } from './names.ts';
import { wantedObjects } from './objects.ts';
import { podTemplate } from './pod.ts';
import { processFile, relaySettings } from './settings.ts';
import type { PodFacts, RelaySnapshot } from './snapshot.ts';

const NOW = new Date();
const PDB = {
  group: 'policy',
  version: 'v1',
  plural: 'poddisruptionbudgets',
  kind: 'PodDisruptionBudget',
  namespaced: true,
  sensitive: false,
};

function relay(spec: Partial<SmtpRelaySpec> = {}): SmtpRelay {
  return {
    apiVersion: API_VERSION,
    kind: 'SmtpRelay',
    metadata: { name: 'main', namespace: 'mail', uid: 'uid-1', generation: 2 },
    spec: { delivery: { smarthost: { host: 'next.example' } }, ...spec },
  };
}

const secret = (data: Record<string, string>): Secret => ({
  metadata: { name: 's', namespace: 'mail', labels: labelsOf(relay()) },
  data: Object.fromEntries(
    Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
  ),
});

let secrets: RelaySnapshot['secrets'];
beforeAll(async () => {
  const notBefore = new Date(NOW.getTime() - BACKDATE_MS);
  const authority = await makeAuthority('CA', notBefore, new Date(NOW.getTime() + AUTHORITY_MS));
  const sign = (dnsNames: string[]) =>
    signCertificate(authority, {
      commonName: 'x',
      dnsNames,
      usage: 'server',
      notBefore,
      notAfter: new Date(NOW.getTime() + CERTIFICATE_MS),
    });
  const [smtp, admin] = await Promise.all([
    sign(certificateNames(relay())),
    sign([relayApi.ADMIN_SERVER_NAME]),
  ]);
  const pair = ({ cert, key }: { cert: string; key: string }) =>
    secret({ 'tls.crt': cert, 'tls.key': key, 'ca.crt': authority.cert });
  const ca = secret({ 'tls.crt': authority.cert, 'tls.key': authority.key });
  secrets = { authority: ca, certificate: pair(smtp), adminAuthority: ca, adminCertificate: pair(admin) };
});

const pod = (part: Partial<PodFacts> = {}): PodFacts => ({
  name: 'p1',
  isServing: true,
  isInStep: true,
  appliedRevision: 7,
  problem: undefined,
  ...part,
});
const rolledOut = (replicas = 1): Deployment => ({
  metadata: { name: 'main-relay', namespace: 'mail', generation: 1 },
  spec: { replicas },
  status: { observedGeneration: 1, replicas, updatedReplicas: replicas, readyReplicas: replicas },
});

const POLICY = { operator: { namespace: 'system', labels: OPERATOR_LABELS }, postgresPort: undefined };

/** A relay that serves, but for what the row changes. */
function snapshot(spec: Partial<SmtpRelaySpec> = {}, more: Partial<RelaySnapshot> = {}): RelaySnapshot {
  const one = relay(spec);
  const options = {
    relayImage: 'relay:1',
    capabilities: { podDisruptionBudgets: PDB, networkPolicies: undefined },
    claimedSize: undefined,
    policy: POLICY,
  };
  const base: RelaySnapshot = {
    relay: one,
    problems: [],
    secrets,
    credentials: { is: 'unused' },
    nextHopCa: { is: 'unused' },
    webhooks: [],
    postgres: { is: 'unused' },
    live: Object.fromEntries(wantedObjects(one, options).map(({ name, object }) => [name, object])),
    deployment: rolledOut(one.spec.replicas),
    projection: undefined,
    capabilities: options.capabilities,
    relayImage: options.relayImage,
    operatorNamespace: 'system',
    recheckMs: 30_000,
    applied: new Map(),
  };
  const settings = settingsOf(base, one);
  base.projection = { pods: [pod()], accounts: 0, domains: 0, revision: 7, held: undefined, settings };
  return { ...base, ...more };
}
const projected = (part: object): Partial<RelaySnapshot> => ({
  projection: { ...snapshot().projection!, ...part },
});

describe('rules', () => {
  const held = { count: 30, token: 'abc', until: new Date() };
  const foreign: AnyObject = { metadata: { name: 'main-relay', namespace: 'mail' } };
  test.each<[string, () => RelaySnapshot, string, string[]]>([
    ['a relay that serves needs nothing', () => snapshot(), 'Converge', ['facts']],
    ['one that is gone is closed', () => snapshot({}, { relay: undefined }), 'Gone', ['close']],
    [
      'a wrong spec is said',
      () => snapshot({}, { problems: [{ field: 'spec.x', message: 'm' }] }),
      'InvalidSpec',
      [],
    ],
    [
      'an object of somebody else is not taken',
      () => snapshot({}, { live: { service: foreign } }),
      'ObjectConflict',
      [],
    ],
    [
      'without an authority one is made',
      () => snapshot({}, { secrets: { ...secrets, authority: undefined } }),
      'DueCertificate',
      ['authority'],
    ],
    [
      'without a certificate one is made',
      () => snapshot({}, { secrets: { ...secrets, certificate: undefined } }),
      'DueCertificate',
      ['certificate'],
    ],
    [
      'another hostname needs another certificate',
      () => snapshot({ hostname: 'smtp.example' }),
      'DueCertificate',
      ['certificate'],
    ],
    [
      'the admin API needs its own',
      () => snapshot({}, { secrets: { ...secrets, adminAuthority: undefined } }),
      'DueCertificate',
      ['authority'],
    ],
    [
      'a given certificate is waited for',
      () => snapshot({ tls: { secretName: 'given' } }, { secrets: { ...secrets, certificate: undefined } }),
      'MissingReference',
      [],
    ],
    [
      'credentials of the next hop are waited for',
      () => snapshot({}, { credentials: { is: 'missing', what: 'Secret x' } }),
      'MissingReference',
      [],
    ],
    [
      'shards are opened before pods are made',
      () => snapshot({}, { projection: undefined, live: {} }),
      'Closed',
      ['open'],
    ],
    [
      'also while another Secret is missing: it may be serving',
      () => snapshot({}, { projection: undefined, credentials: { is: 'missing', what: 'Secret x' } }),
      'Closed',
      ['open'],
    ],
    [
      'but not without the certificate, by which accounts know what to trust',
      () =>
        snapshot(
          { tls: { secretName: 'given' } },
          { projection: undefined, secrets: { ...secrets, certificate: undefined } },
        ),
      'MissingReference',
      [],
    ],
    [
      'what is missing is applied, pods last',
      () => snapshot({}, { live: {} }),
      'Converge',
      ['facts', 'apply config', 'apply service', 'apply claim', 'apply deployment'],
    ],
    [
      'PostgreSQL needs no claim',
      () => snapshot({ storage: { postgres: { secretRef: { name: 'pg' } } }, replicas: 2 }, { live: {} }),
      'Converge',
      ['facts', 'apply config', 'apply service', 'apply budget', 'apply deployment'],
    ],
    [
      'a store is not changed under mail that waits in it',
      () =>
        snapshot(
          { storage: { postgres: { secretRef: { name: 'pg' } } } },
          { live: snapshot().live, postgres: { is: 'there', value: 5432 } },
        ),
      'StorageChanged',
      [],
    ],
    [
      'nor back',
      () => snapshot({}, { live: snapshot({ storage: { postgres: { secretRef: { name: 'pg' } } } }).live }),
      'StorageChanged',
      [],
    ],
    [
      'a missing connection Secret is waited for',
      () =>
        snapshot(
          { storage: { postgres: { secretRef: { name: 'pg' } } } },
          { postgres: { is: 'missing', what: 'Secret pg with key uri' } },
        ),
      'MissingReference',
      [],
    ],
    [
      'changed settings go into shard 0',
      () => snapshot({}, projected({ settings: undefined })),
      'Converge',
      ['facts', 'settings'],
    ],
    ['held removals are told by an event', () => snapshot({}, projected({ held })), 'Converge', ['facts']],
  ])('%s', (_, make, rule, actions) => {
    const decision = decideRelay(make(), NOW);
    const said = decision.actions.map((action) =>
      action.do === 'apply' ? `apply ${action.wanted.name}` : action.do,
    );
    expect([decision.rule, said]).toEqual([rule, actions]);
  });
});

describe('Ready', () => {
  const failing: Deployment = {
    ...rolledOut(),
    status: { conditions: [{ type: 'Progressing', status: 'False', message: 'too slow' }] },
  };
  test.each<[string, () => RelaySnapshot, string, string]>([
    ['True when the pods answer', () => snapshot(), 'True', 'Serving'],
    [
      'Unknown while they start',
      () => snapshot({}, projected({ pods: [pod({ isServing: false })] })),
      'Unknown',
      'PodsStarting',
    ],
    [
      'Unknown until a pod was asked what it has',
      () => snapshot({}, projected({ pods: [pod({ appliedRevision: 0 })] })),
      'Unknown',
      'PodsStarting',
    ],
    [
      'Unknown while one of them does not answer',
      () => snapshot({ replicas: 2 }, projected({ pods: [pod(), pod({ isServing: false })] })),
      'Unknown',
      'PodsStarting',
    ],
    [
      'Unknown during a rollout',
      () => snapshot({}, { deployment: { ...rolledOut(), status: { replicas: 2 } } }),
      'Unknown',
      'RollingOut',
    ],
    [
      'False when the rollout makes no progress',
      () => snapshot({}, { deployment: failing, ...projected({ pods: [] }) }),
      'False',
      'PodsFailing',
    ],
    ['False without replicas', () => snapshot({ replicas: 0 }), 'False', 'ScaledToZero'],
  ])('is %s', (_, make, status, reason) => {
    const ready = findCondition(decideRelay(make(), NOW).status?.conditions, 'Ready');
    expect([ready?.status, ready?.reason]).toEqual([status, reason]);
  });
});

describe('other conditions', () => {
  const held = { count: 30, token: 'abc', until: NOW };
  test.each<[string, string, string, () => RelaySnapshot]>([
    ['RelaySynced', 'True', 'InStep', () => snapshot()],
    [
      'RelaySynced',
      'False',
      'PodsOutOfStep',
      () => snapshot({}, projected({ pods: [pod(), pod({ problem: 'no answer' })] })),
    ],
    ['CertificateReady', 'True', 'Issued', () => snapshot()],
    ['CertificateReady', 'True', 'Given', () => snapshot({ tls: { secretName: 'given' } })],
    ['RemovalsHeld', 'False', 'None', () => snapshot()],
    ['RemovalsHeld', 'True', 'MassRemoval', () => snapshot({}, projected({ held }))],
    ['Reconciling', 'True', 'Progressing', () => snapshot({}, projected({ pods: [] }))],
  ])('%s is %s for the reason %s', (type, status, reason, make) => {
    const found = findCondition(decideRelay(make(), NOW).status?.conditions, type);
    expect([found?.status, found?.reason]).toEqual([status, reason]);
  });
});

describe('pods', () => {
  test('run under the restricted standard, without an API token', () => {
    const { spec } = podTemplate(relay(), 'relay:1') as {
      spec: Record<string, unknown> & { containers: Record<string, unknown>[] };
    };
    expect(spec).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
    });
    expect(spec.containers[0]).toMatchObject({
      securityContext: {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      },
    });
  });

  test('mount no authority and every shard', () => {
    const text = JSON.stringify(podTemplate(relay(), 'relay:1'));
    expect(text).not.toContain('-ca"');
    for (let shard = 0; shard < relayApi.SHARD_COUNT; shard++)
      expect(text).toContain(`"main-config-${shard}"`);
  });

  test('on PostgreSQL have its URI as a file, its CA where there is one, and no claim', () => {
    const storage = { postgres: { secretRef: { name: 'pg', key: 'dsn' } } };
    const { spec } = podTemplate(relay({ storage }), 'relay:1') as {
      spec: { volumes: { name: string; projected?: { sources: object[] } }[]; containers: object[] };
    };
    expect(spec.volumes.find(({ name }) => name === 'postgres')?.projected?.sources).toEqual([
      { secret: { name: 'pg', items: [{ key: 'dsn', path: 'uri' }] } },
      { secret: { name: 'pg', items: [{ key: 'ca.crt', path: 'ca.crt' }], optional: true } },
    ]);
    expect(spec.volumes.find(({ name }) => name === 'store')).toEqual({ name: 'store', emptyDir: {} });
    expect(processFile(relay({ storage }))).toContain('"uriFile": "/etc/migosmtp/postgres/uri"');
  });

  test('take podTemplate over the own template, but for what would break them', () => {
    const template = podTemplate(
      relay({
        podTemplate: {
          metadata: { labels: { 'migosmtp.com/relay': 'evil', team: 'x' }, annotations: { a: 'b' } },
          spec: {
            automountServiceAccountToken: true,
            nodeSelector: { disk: 'ssd' },
            containers: [
              { name: 'relay', resources: { limits: { memory: '1Gi' } } },
              { name: 'side', image: 'x' },
            ],
          },
        },
      }),
      'relay:1',
    ) as { metadata: object; spec: { containers: object[] } };
    expect(template.metadata).toMatchObject({
      labels: { 'migosmtp.com/relay': 'main', team: 'x' },
      annotations: { a: 'b' },
    });
    expect(template.spec).toMatchObject({
      automountServiceAccountToken: false,
      nodeSelector: { disk: 'ssd' },
    });
    expect(template.spec.containers).toHaveLength(2);
    expect(template.spec.containers[0]).toMatchObject({
      image: 'relay:1',
      resources: { limits: { memory: '1Gi' } },
    });
  });

  test('null in podTemplate removes', () => {
    expect(mergeTemplate({ a: { b: 1, c: 2 } }, { a: { b: null } })).toEqual({ a: { c: 2 } });
  });
});

test('the process file is one that the relay takes', () => {
  const parsed = relayApi.relayProcessSchema.parse(
    JSON.parse(processFile(relay({ bounces: { enabled: true } }))),
  );
  expect(parsed).toMatchObject({
    storage: { kind: 'embedded' },
    policy: { from: 'shards' },
    listen: { bounces: 2525 },
  });
});

test('settings are those of the contract, defaults filled in', () => {
  const secrets = { credentials: { username: 'u', password: 'p' }, caPem: undefined, webhooks: [] };
  expect(relayApi.relaySettingsSchema.parse(relaySettings(relay(), secrets))).toEqual({
    hostname: 'main-relay.mail.svc',
    delivery: {
      mode: 'smarthost',
      host: 'next.example',
      port: 587,
      tls: 'Required',
      username: 'u',
      password: 'p',
    },
    bounces: { enabled: false },
    messageLimits: { maxSize: 25 * 1024 * 1024, maxRecipients: 100 },
    retention: { reportsSeconds: 720 * 3600 },
  });
});

test('webhooks go to the relays with their secrets, each with its own', () => {
  const webhooks = ['crm', 'status'].map((name) => ({
    name,
    url: `https://${name}.example/hook`,
    secretRef: { name },
    events: ['Bounced' as const],
  }));
  const secrets = {
    credentials: undefined,
    caPem: undefined,
    webhooks: [
      { secret: 'one', caPem: undefined },
      { secret: 'two', caPem: 'pem' },
    ],
  };
  expect(relayApi.relaySettingsSchema.parse(relaySettings(relay({ webhooks }), secrets)).webhooks).toEqual([
    { name: 'crm', url: 'https://crm.example/hook', secret: 'one', events: ['Bounced'] },
    { name: 'status', url: 'https://status.example/hook', secret: 'two', events: ['Bounced'], caPem: 'pem' },
  ]);
  const missing = { is: 'missing' as const, what: 'Secret crm with secret' };
  const decision = decideRelay(snapshot({ webhooks }, { webhooks: [missing, missing] }), NOW);
  expect(decision.rule).toBe('MissingReference');
});

test('what is retained has no owner, so that nothing collects it', () => {
  const options = {
    relayImage: 'r',
    capabilities: { podDisruptionBudgets: undefined, networkPolicies: undefined },
    policy: POLICY,
    claimedSize: '20Gi',
  };
  const claimOf = (spec: Partial<SmtpRelaySpec>) =>
    wantedObjects(relay(spec), options).find(({ name }) => name === 'claim')!.object;
  expect(claimOf({}).metadata.ownerReferences).toEqual([]);
  expect(claimOf({ deletionPolicy: 'Delete' }).metadata.ownerReferences).toHaveLength(1);
  const storage = { embedded: { size: '30Gi', storageClassName: 'fast' } };
  expect(claimOf({ storage })).toMatchObject({
    spec: { storageClassName: 'fast', resources: { requests: { storage: '30Gi' } } },
  });
  // A claim cannot shrink.
  expect(claimOf({})).toMatchObject({ spec: { resources: { requests: { storage: '20Gi' } } } });
});

test('an operator that has just started says nothing new of a relay before it has asked its pods', () => {
  const unasked = snapshot({}, projected({ pods: [pod({ appliedRevision: 0 })] }));
  const before = decideRelay(snapshot(), NOW).status!;
  const settled = { ...unasked, relay: { ...unasked.relay!, status: before } };
  expect(decideRelay(settled, NOW).status).toBeUndefined();
  const refused = projected({ pods: [pod({ appliedRevision: 0, problem: 'no answer' })] });
  expect(decideRelay({ ...settled, ...refused }, NOW).status?.readyReplicas).toBe(0);
});

test('a NetworkPolicy stands where the API serves them', () => {
  const policies = { ...PDB, plural: 'networkpolicies' };
  const options = (served: typeof PDB | undefined) => ({
    relayImage: 'r',
    capabilities: { podDisruptionBudgets: undefined, networkPolicies: served },
    claimedSize: undefined,
    policy: POLICY,
  });
  const namesWith = (served: typeof PDB | undefined) =>
    wantedObjects(relay(), options(served)).map(({ name }) => name);
  expect(namesWith(policies)).toContain('policy');
  expect(namesWith(undefined)).not.toContain('policy');
});
