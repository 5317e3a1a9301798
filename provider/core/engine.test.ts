import { describe, expect, it } from '@jest/globals';
import { Engine } from './engine.ts';
import type { Call, Outcome, Provider, Resource } from './provider.ts';
import { object, UNKNOWN, type ValueObject } from './value.ts';
import { error } from './diagnostic.ts';

const call: Call = { signal: new AbortController().signal, log: () => undefined };
const value = (members: Record<string, unknown>) => object(Object.entries(members) as [string, never][]);

function engineOf(resource: Partial<Resource<string>>): Engine<string> {
  const unexpected = () => Promise.reject(new Error('not expected'));
  const provider: Provider<string> = {
    schema: { version: 0, description: '', attributes: {} },
    resources: {
      thing: {
        schema: {
          version: 2,
          description: '',
          attributes: { name: { type: 'string', required: true }, seen: { type: 'string', computed: true } },
        },
        create: unexpected,
        read: unexpected,
        update: unexpected,
        delete: unexpected,
        ...resource,
      },
    },
    dataSources: {},
    ephemeralResources: {},
    listResources: {},
    actions: {},
    functions: {},
    configure: () => Promise.resolve({ client: 'client' }),
  };
  return new Engine(provider);
}

async function configured(resource: Partial<Resource<string>>): Promise<Engine<string>> {
  const engine = engineOf(resource);
  await engine.configure(object(), call);
  return engine;
}

const apply = (engine: Engine<string>, prior: ValueObject | null, planned: ValueObject | null) =>
  engine.apply('thing', { prior, planned, config: planned, private: {} }, call);

describe('apply', () => {
  it('creates, and holds to the plan where the object says otherwise meanwhile', async () => {
    const create = (): Promise<Outcome> => Promise.resolve({ state: value({ name: 'other', seen: 'now' }) });
    const engine = await configured({ create });
    const { state } = await apply(engine, null, value({ name: 'a', seen: UNKNOWN }));
    expect(state).toEqual({ name: 'a', seen: 'now' });
  });

  it('keeps a computed value that the plan told, though it moved since', async () => {
    const update = (): Promise<Outcome> => Promise.resolve({ state: value({ name: 'b', seen: 'later' }) });
    const engine = await configured({ update });
    const { state } = await apply(engine, value({ name: 'a', seen: 's' }), value({ name: 'b', seen: 's' }));
    expect(state).toEqual({ name: 'b', seen: 's' });
  });

  it('leaves the state as it was when an update fails before it did anything', async () => {
    const update = (): Promise<Outcome> => Promise.resolve({ diagnostics: [error('no', 'no')] });
    const engine = await configured({ update });
    const prior = value({ name: 'a', seen: 's' });
    expect((await apply(engine, prior, value({ name: 'b', seen: UNKNOWN }))).state).toBe(prior);
  });

  it('records what was made although the wait for it failed', async () => {
    const create = (): Promise<Outcome> =>
      Promise.resolve({ state: value({ name: 'a', seen: null }), diagnostics: [error('Timeout', '')] });
    const engine = await configured({ create });
    const { state } = await apply(engine, null, value({ name: 'a', seen: UNKNOWN }));
    expect(state).toEqual({ name: 'a', seen: null });
  });

  it('keeps an object in the state whose deletion failed', async () => {
    const engine = await configured({
      delete: () => Promise.resolve({ diagnostics: [error('Timeout', '')] }),
    });
    const prior = value({ name: 'a', seen: 's' });
    expect((await apply(engine, prior, null)).state).toBe(prior);
  });

  it('is refused before the provider is configured', async () => {
    const { state, diagnostics } = await apply(engineOf({}), null, value({ name: 'a', seen: UNKNOWN }));
    expect(state).toBeNull();
    expect(diagnostics[0]?.summary).toBe('Provider is not configured');
  });
});

describe('upgrade', () => {
  it('goes from version to version', () => {
    const engine = engineOf({
      upgrades: {
        0: ({ label, ...rest }) => ({ ...rest, title: label }),
        1: ({ title, ...rest }) => ({ ...rest, name: title }),
      },
    });
    expect(engine.upgrade('thing', 0, { label: 'a' })).toEqual({ name: 'a' });
    expect(engine.upgrade('thing', 1, { title: 'a' })).toEqual({ name: 'a' });
    expect(engine.upgrade('thing', 2, { name: 'a' })).toEqual({ name: 'a' });
  });
});
