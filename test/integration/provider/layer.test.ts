/**
 * The layer under the provider, with another provider on it: what ours has no use for yet, driven by the real terraform.
 * That provider is served by this process; terraform is told to attach to it.
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  object,
  type Outcome,
  type Provider,
  type Resource,
  type Value,
} from '../../../provider/core/index.ts';
import { listen, servePlugin } from '../../../provider/wire/index.ts';
import { Terraform } from './terraform.ts';

const ADDRESS = 'registry.terraform.io/migosmtp/migosmtp';
const ends: (() => void)[] = [];

afterEach(() => {
  for (const end of ends.splice(0)) end();
});

const value = (members: Record<string, Value>) => object(Object.entries(members));

/** A thing that stays as it is planned. */
const thing: Resource<string> = {
  schema: { version: 0, description: '', attributes: { label: { type: 'string', required: true } } },
  create: (_client, { planned }): Promise<Outcome> => Promise.resolve({ state: planned }),
  read: (_client, { state }): Promise<Outcome> => Promise.resolve({ state }),
  update: (_client, { planned }): Promise<Outcome> => Promise.resolve({ state: planned }),
  delete: (): Promise<Outcome> => Promise.resolve({ state: null }),
};

function providerOf(parts: Partial<Provider<string>>): Provider<string> {
  return {
    schema: { version: 0, description: '', attributes: {} },
    resources: { migosmtp_thing: thing },
    dataSources: {},
    ephemeralResources: {},
    listResources: {},
    actions: {},
    functions: {},
    configure: () => Promise.resolve({ client: 'client' }),
    ...parts,
  };
}

/** Serves a provider and returns the environment in which terraform attaches to it. */
async function serve(provider: Provider<string>): Promise<{ env: Record<string, string> }> {
  const listener = await listen({});
  ends.push(() => listener.close());
  servePlugin(listener, provider, {
    log: () => undefined,
    onShutdown: () => undefined,
    onDisconnect: () => undefined,
  });
  const attached = {
    Protocol: 'grpc',
    ProtocolVersion: 6,
    Pid: process.pid,
    Test: true,
    Addr: { Network: 'unix', String: listener.socket },
  };
  return { env: { TF_REATTACH_PROVIDERS: JSON.stringify({ [ADDRESS]: attached }) } };
}

async function terraformWith(configuration: string): Promise<Terraform> {
  const terraform = await Terraform.start(configuration);
  ends.push(() => terraform.remove());
  return terraform;
}

describe('a schema of a later version', () => {
  it('takes the state of an earlier one, step by step, and nothing changes', async () => {
    const terraform = await terraformWith('resource "migosmtp_thing" "it" {\n  label = "a"\n}\n');
    await terraform.apply(await serve(providerOf({})));
    const later: Resource<string> = {
      ...thing,
      schema: { version: 2, description: '', attributes: { title: { type: 'string', required: true } } },
      upgrades: {
        0: ({ label }) => ({ name: label }),
        1: ({ name }) => ({ title: name }),
      },
    };
    terraform.write('resource "migosmtp_thing" "it" {\n  title = "a"\n}\n');
    const served = await serve(providerOf({ resources: { migosmtp_thing: later } }));
    expect((await terraform.plan(served)).output).toContain('No changes');
    await terraform.ok(['apply', '-refresh-only', '-auto-approve'], served);
    expect(terraform.attributes('migosmtp_thing')).toEqual({ title: 'a' });
  });

  it('refuses a state that is newer than itself, and says what to do', async () => {
    const terraform = await terraformWith('resource "migosmtp_thing" "it" {\n  label = "a"\n}\n');
    const newer = { ...thing, schema: { ...thing.schema, version: 3 }, upgrades: {} };
    await terraform.apply(await serve(providerOf({ resources: { migosmtp_thing: newer } })));
    const refused = await terraform.refused(['plan', '-no-color'], await serve(providerOf({})));
    expect(refused).toMatch(/newer provider version|upgrade/i);
  });
});

describe('an ephemeral value', () => {
  it('is renewed while a long apply needs it, each time with what the last left, and closed at the end', async () => {
    const told: string[] = [];
    const renewed = Promise.withResolvers<void>();
    const secretive: Resource<string> = {
      ...thing,
      schema: {
        ...thing.schema,
        attributes: {
          label: { type: 'string', required: true },
          key_wo: { type: 'string', optional: true, writeOnly: true },
        },
      },
      create: async (_client, { planned, config }) => {
        told.push(`created with ${JSON.stringify(config['key_wo'])}`);
        // As long as that takes: without a renewal this apply never ends.
        await renewed.promise;
        return { state: planned };
      },
    };
    const provider = providerOf({
      resources: { migosmtp_thing: secretive },
      ephemeralResources: {
        migosmtp_key: {
          schema: { version: 0, description: '', attributes: { key: { type: 'string', computed: true } } },
          open: () =>
            Promise.resolve({
              result: value({ key: 'opened' }),
              renewAtMs: Date.now() + 1_000,
              private: { lease: 1 },
            }),
          renew: (_client, { lease }) => {
            told.push(`renewed lease ${String(lease)}`);
            const next = Number(lease) + 1;
            if (next === 3) renewed.resolve();
            const again = next < 3 ? { renewAtMs: Date.now() + 500 } : {};
            return Promise.resolve({ ...again, private: { lease: next } });
          },
          close: (_client, { lease }) => {
            told.push(`closed lease ${String(lease)}`);
            return Promise.resolve([]);
          },
        },
      },
    });
    const terraform = await terraformWith(`ephemeral "migosmtp_key" "it" {}
resource "migosmtp_thing" "it" {
  label  = "a"
  key_wo = ephemeral.migosmtp_key.it.key
}
`);
    await terraform.apply(await serve(provider));
    // The plan opens and closes one too, before it must be renewed. Terraform closes with what opening left.
    expect(told).toEqual([
      'closed lease 1',
      'created with "opened"',
      'renewed lease 1',
      'renewed lease 2',
      'closed lease 1',
    ]);
    expect(terraform.read('terraform.tfstate')).not.toContain('opened');
  });
});
