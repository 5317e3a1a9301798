/** Protocol 6.10 over the provider's real socket: identity, list, actions, as Terraform 1.12 to 1.14 use them. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { identityType, schemaType, type Type } from '../../../provider/core/index.ts';
import { createProvider } from '../../../provider/resources/index.ts';
import { startCluster, type Cluster } from '../../cluster/index.ts';
import { PluginClient, received, sent, type DynamicValue, type WireDiagnostic } from './plugin-client.ts';
import { objectPath, StandIn, type CustomObject } from './stand-in.ts';

jest.setTimeout(60_000);

const TYPE = 'migosmtp_smtp_account';
const { resources } = createProvider({});
const account = resources[TYPE];
if (!account?.identity) throw new Error(`${TYPE} has no identity`);
const stateType = schemaType(account.schema);
const identity = identityType(account.identity);

interface Identity {
  identityData: DynamicValue | null;
}
interface ListEvent {
  identity: Identity | null;
  displayName: string;
  resourceObject?: DynamicValue | null;
  diagnostic: WireDiagnostic[];
}
interface ActionEvent {
  progress?: { message: string };
  completed?: { diagnostics: WireDiagnostic[] };
}

let cluster: Cluster;
let operator: StandIn;
let plugin: PluginClient;
beforeAll(async () => {
  cluster = await startCluster({ agent: false });
  operator = new StandIn(cluster.api);
  plugin = await PluginClient.start();
  const config = nulls(schemaType(createProvider({}).schema), { config_path: cluster.kubeconfig });
  const { diagnostics } = await plugin.call<{ diagnostics: WireDiagnostic[] }>('ConfigureProvider', {
    terraformVersion: '1.14.0',
    config: sent(config),
  });
  expect(diagnostics).toEqual([]);
}, 600_000);
afterAll(async () => {
  await plugin?.stop();
  await operator?.stop();
  await cluster?.stop();
});

/** An object as Terraform sends it: every attribute is there, null where nothing is said. */
function nulls(type: Type, stated: Record<string, unknown>): Record<string, unknown> {
  const members = typeof type === 'object' && type[0] === 'object' ? Object.keys(type[1]) : [];
  return { ...Object.fromEntries(members.map((name) => [name, null])), ...stated };
}
const identityOf = (found: Identity | null) => ({ ...(received(found?.identityData, identity) as object) });
const make = (name: string, spec: object = {}, labels: Record<string, string> = {}) =>
  cluster.api.call('POST', objectPath('smtpaccounts', ''), {
    apiVersion: 'migosmtp.com/v1alpha1',
    kind: 'SmtpAccount',
    metadata: { name, namespace: 'default', labels },
    spec,
  });
const live = (name: string) => cluster.api.get<CustomObject>(objectPath('smtpaccounts', name));

describe('metadata and schemas', () => {
  it('name list resources and actions, and the capability to generate configuration', async () => {
    const found = await plugin.call<Record<string, { typeName: string }[]>>('GetMetadata');
    const names = (list: string) => (found[list] ?? []).map(({ typeName }) => typeName);
    expect(names('listResources')).toContain(TYPE);
    expect(names('listResources')).toContain('migosmtp_verified_domain');
    expect(names('actions').sort()).toEqual([
      'migosmtp_reset_password',
      'migosmtp_rotate_password',
      'migosmtp_send_test',
    ]);
    const schemas = await plugin.call<Record<string, Record<string, unknown>>>('GetProviderSchema');
    expect(schemas['serverCapabilities']).toMatchObject({ generateResourceConfig: true, planDestroy: true });
    expect(Object.keys(schemas['listResourceSchemas'] ?? {}).sort()).toEqual(names('listResources').sort());
    expect(Object.keys(schemas['actionSchemas'] ?? {}).sort()).toEqual(names('actions').sort());
  });

  it('give every managed resource an identity of namespace and name', async () => {
    interface Schemas {
      identitySchemas: Record<
        string,
        { version: number; identityAttributes: { name: string; requiredForImport: boolean }[] }
      >;
    }
    const { identitySchemas } = await plugin.call<Schemas>('GetResourceIdentitySchemas');
    expect(Object.keys(identitySchemas).sort()).toEqual(Object.keys(resources).sort());
    expect(identitySchemas[TYPE]?.identityAttributes).toMatchObject([
      { name: 'namespace', requiredForImport: false },
      { name: 'name', requiredForImport: true },
    ]);
  });
});

describe('identity', () => {
  interface Planned {
    plannedState: DynamicValue;
    plannedIdentity: Identity | null;
    plannedPrivate: Buffer;
    diagnostics: WireDiagnostic[];
  }
  interface Applied {
    newState: DynamicValue;
    newIdentity: Identity | null;
    diagnostics: WireDiagnostic[];
  }
  const config = sent(nulls(stateType, { name: 'told', namespace: 'default' }));
  const none = sent(null);

  it('is planned, kept by apply and read, and is what an import may name', async () => {
    const planned = await plugin.call<Planned>('PlanResourceChange', {
      typeName: TYPE,
      priorState: none,
      proposedNewState: config,
      config,
    });
    expect(planned.diagnostics).toEqual([]);
    expect(identityOf(planned.plannedIdentity)).toEqual({ namespace: 'default', name: 'told' });
    const applied = await plugin.call<Applied>('ApplyResourceChange', {
      typeName: TYPE,
      priorState: none,
      plannedState: planned.plannedState,
      config,
      plannedIdentity: planned.plannedIdentity,
    });
    expect(applied.diagnostics).toEqual([]);
    expect(identityOf(applied.newIdentity)).toEqual({ namespace: 'default', name: 'told' });
    const read = await plugin.call<Applied>('ReadResource', {
      typeName: TYPE,
      currentState: applied.newState,
      currentIdentity: applied.newIdentity,
    });
    expect(identityOf(read.newIdentity)).toEqual({ namespace: 'default', name: 'told' });
    interface Imported {
      importedResources: { state: DynamicValue; private: Buffer; identity: Identity }[];
    }
    const { importedResources } = await plugin.call<Imported>('ImportResourceState', {
      typeName: TYPE,
      identity: { identityData: sent({ name: 'told', namespace: null }) },
    });
    const [imported] = importedResources;
    expect(identityOf(imported?.identity ?? null)).toEqual({ namespace: 'default', name: 'told' });
    const filled = await plugin.call<Applied>('ReadResource', {
      typeName: TYPE,
      currentState: imported?.state,
      private: imported?.private,
    });
    expect(received(filled.newState, stateType)).toMatchObject({ username: 'smtpuser_0a1b2c3d' });
  });

  it('is not given while a part of it is unknown, and is upgraded from JSON', async () => {
    const unknown = Buffer.from('d40000', 'hex');
    const name = Buffer.concat([Buffer.from([0xa4]), Buffer.from('name')]);
    const json = JSON.stringify({ namespace: 'shop', name: 'old' });
    interface Upgraded {
      upgradedIdentity: Identity;
      diagnostics: WireDiagnostic[];
    }
    const request = { typeName: TYPE, version: 0, rawIdentity: { json: Buffer.from(json) } };
    const upgraded = await plugin.call<Upgraded>('UpgradeResourceIdentity', request);
    expect(identityOf(upgraded.upgradedIdentity)).toEqual({ namespace: 'shop', name: 'old' });
    const later = await plugin.call<Upgraded>('UpgradeResourceIdentity', { ...request, version: 9 });
    expect(later.diagnostics.map(({ summary }) => summary)).toEqual(['Identity is of a later provider']);
    const value = { msgpack: Buffer.concat([Buffer.from([0x81]), name, unknown]) };
    const planned = await plugin.call<Planned>('PlanResourceChange', {
      typeName: TYPE,
      priorState: none,
      proposedNewState: value,
      config: value,
    });
    expect(planned.plannedIdentity).toBeNull();
  });
});

describe('GenerateResourceConfig', () => {
  it('leaves out what is computed and what equals its default', async () => {
    const state = nulls(stateType, {
      name: 'told',
      namespace: 'default',
      uid: 'abc',
      username: 'smtpuser_1',
      limits: { per_day: 5 },
    });
    const { config } = await plugin.call<{ config: DynamicValue }>('GenerateResourceConfig', {
      typeName: TYPE,
      state: sent(state),
    });
    const stated = Object.entries(received(config, stateType) as object).filter(
      ([, value]) => value !== null,
    );
    expect(stated.map(([name]) => name).sort()).toEqual(['limits', 'name']);
  });
});

describe('ListResource', () => {
  const list = (config: object, more: object = {}) => {
    const query = { namespace: null, label_selector: null, ...config };
    return plugin.events<ListEvent>('ListResource', { typeName: TYPE, config: sent(query), ...more });
  };

  it('streams what the cluster has, with identity, and the object on request', async () => {
    await make('listed-a', { limits: { perDay: 7 } }, { query: 'yes' });
    await make('listed-b', {}, { query: 'yes' });
    const events = await list({ label_selector: 'query=yes' }, { includeResourceObject: true });
    expect(events.map(({ displayName }) => displayName)).toEqual(['default/listed-a', 'default/listed-b']);
    expect(identityOf(events[0]?.identity ?? null)).toEqual({ namespace: 'default', name: 'listed-a' });
    expect(received(events[0]?.resourceObject, stateType)).toMatchObject({
      name: 'listed-a',
      limits: { per_day: 7 },
    });
    const bare = await list({ label_selector: 'query=yes', namespace: 'default' });
    expect(bare.map(({ resourceObject }) => resourceObject ?? null)).toEqual([null, null]);
  });

  it.each([
    ['verified_domain', 'VerifiedDomain', 'verifieddomains', { domain: 'example.com' }],
    ['smtp_relay', 'SmtpRelay', 'smtprelays', { delivery: { direct: {} } }],
    ['plan_limit', 'PlanLimit', 'planlimits', { plan: '10k' }],
  ])('finds a %s as well, with its state', async (type, kind, plural, spec) => {
    const metadata = { name: 'found', namespace: 'default' };
    await cluster.api.call('POST', objectPath(plural, ''), {
      apiVersion: 'migosmtp.com/v1alpha1',
      kind,
      metadata,
      spec,
    });
    const typeName = `migosmtp_${type}`;
    const config = sent({ namespace: 'default', label_selector: null });
    const events = await plugin.events<ListEvent>('ListResource', {
      typeName,
      config,
      includeResourceObject: true,
    });
    expect(events.map(({ displayName }) => displayName)).toEqual(['default/found']);
    expect(identityOf(events[0]?.identity ?? null)).toEqual(metadata);
    const schema = resources[typeName]?.schema;
    if (!schema) throw new Error(`no schema of ${typeName}`);
    expect(received(events[0]?.resourceObject, schemaType(schema))).toMatchObject(metadata);
  });

  it('stops at the limit, and says in an event what went wrong', async () => {
    expect(await list({ label_selector: 'query=yes' }, { limit: 1 })).toHaveLength(1);
    const [refused, ...rest] = await list({ label_selector: '=' });
    expect(rest).toEqual([]);
    expect(refused?.diagnostic).toHaveLength(1);
    expect(refused?.diagnostic[0]).toMatchObject({
      severity: 'ERROR',
      summary: 'The API server refuses the values',
    });
  });
});

describe('actions', () => {
  const invoke = async (actionType: string, config: object) => {
    const request = { actionType: `migosmtp_${actionType}`, config: sent(config) };
    const events = await plugin.events<ActionEvent>('InvokeAction', request);
    const ends = events.filter(({ completed }) => completed);
    expect(ends).toHaveLength(1);
    expect(events.at(-1)).toBe(ends[0]);
    return {
      words: events.flatMap(({ progress }) => (progress ? [progress.message] : [])),
      problems: ends[0]?.completed?.diagnostics ?? [],
    };
  };
  const on = (name: string) => ({ name, namespace: null, timeout: '30s' });

  it('rotate_password and reset_password raise their trigger and wait for the answer', async () => {
    await make('acted');
    const rotated = await invoke('rotate_password', on('acted'));
    expect(rotated.problems).toEqual([]);
    expect(rotated.words.at(-1)).toBe('SmtpAccount default/acted has password revision 2');
    expect((await live('acted')).spec['rotation']).toEqual({ revision: 1 });
    const reset = await invoke('reset_password', on('acted'));
    expect(reset.problems).toEqual([]);
    expect((await live('acted')).spec['rotation']).toEqual({ revision: 1, resetRevision: 1 });
  });

  it('leave a revision alone that a configuration declares, and say so at plan time already', async () => {
    const path = `${objectPath('smtpaccounts', 'declared')}?fieldManager=terraform-provider-migosmtp`;
    const spec = { rotation: { revision: 4 } };
    const metadata = { name: 'declared', namespace: 'default' };
    const object = { apiVersion: 'migosmtp.com/v1alpha1', kind: 'SmtpAccount', metadata, spec };
    await cluster.api.call('PATCH', path, object, { patch: 'apply' });
    const request = { actionType: 'migosmtp_rotate_password', config: sent(on('declared')) };
    const planned = await plugin.call<{ diagnostics: WireDiagnostic[] }>('PlanAction', request);
    const expected = ['The revision is declared in a configuration'];
    expect(planned.diagnostics.map(({ summary }) => summary)).toEqual(expected);
    const { problems } = await invoke('rotate_password', on('declared'));
    expect(problems.map(({ summary }) => summary)).toEqual(expected);
    expect((await live('declared')).spec).toEqual(spec);
  });

  it('say which account is missing, and which argument is wrong', async () => {
    const { problems } = await invoke('reset_password', on('nobody'));
    expect(problems.map(({ summary }) => summary)).toEqual(['Account does not exist']);
    const wrong = { ...on('x'), timeout: 'soon' };
    const { diagnostics } = await plugin.call<{ diagnostics: WireDiagnostic[] }>('ValidateActionConfig', {
      typeName: 'migosmtp_rotate_password',
      config: sent(wrong),
    });
    expect(diagnostics.map(({ detail }) => detail)).toEqual([
      'timeout must be a length of time such as "90s", "10m" or "1h30m".',
    ]);
  });

  it('send_test follows the mail and leaves no object behind', async () => {
    const config = { account: 'acted', namespace: null, to: 'me@example.net', from: null, subject: null };
    const sentMail = await invoke('send_test', { ...config, timeout: '30s' });
    expect(sentMail.problems).toEqual([]);
    expect(sentMail.words).toEqual(['sending a test mail to me@example.net', 'delivered: 250 ok']);
    const { items } = await cluster.api.get<{ items: CustomObject[] }>(objectPath('testmessages', ''));
    expect(items).toEqual([]);
  });
});
