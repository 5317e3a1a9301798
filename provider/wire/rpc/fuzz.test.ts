/** Whatever bytes come over the socket: each call ends in an answer or in a gRPC status, and tells no bytes back. */
import { expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { asText, Engine, object, type Provider } from '../../core/index.ts';
import { Cancellation, GrpcError } from '../grpc.ts';
import { MalformedError } from '../msgpack.ts';
import { dynamicValue } from '../messages.ts';
import { bytes, message, one, string } from '../protobuf.ts';
import { encodeValue } from '../value-codec.ts';
import { providerService } from './index.ts';

const schema = {
  version: 1,
  description: '',
  attributes: {
    name: { type: 'string', required: true },
    tags: { type: ['map', 'number'], optional: true },
    parts: {
      type: { nesting: 'list', attributes: { size: { type: 'number', optional: true } } },
      optional: true,
    },
    id: { type: 'string', computed: true },
  },
} as const;
const provider: Provider<null> = {
  schema,
  resources: {
    thing: {
      schema,
      identity: {
        version: 0,
        attributes: { name: { type: 'string', description: '', requiredForImport: true } },
        importId: ({ name }) => asText(name),
      },
      create: (_client, { planned }) => Promise.resolve({ state: planned }),
      read: (_client, { state }) => Promise.resolve({ state }),
      update: (_client, { planned }) => Promise.resolve({ state: planned }),
      delete: () => Promise.resolve({ state: null }),
      import: (id) => ({ state: object([['name', id]]) }),
    },
  },
  dataSources: { thing: { schema, read: (_client, state) => Promise.resolve({ state }) } },
  ephemeralResources: { thing: { schema, open: (_client, result) => Promise.resolve({ result }) } },
  functions: {
    same: {
      summary: '',
      description: '',
      parameters: [{ name: 'it', type: 'dynamic', description: '' }],
      returns: 'dynamic',
      call: ([value]) => ({ result: value ?? null }),
    },
  },
  listResources: {},
  actions: {},
  configure: () => Promise.resolve({ client: null }),
};
const engine = new Engine(provider) as unknown as Engine<unknown>;
const { unary } = providerService(
  { engine, log: () => undefined, stopped: new AbortController().signal },
  () => undefined,
);
const methods = [...unary.keys()].filter((path) => !path.endsWith('/StopProvider'));

/** A request as most calls have it, before it is damaged. */
const request = message({
  typeName: one(1, string),
  first: one(2, dynamicValue),
  second: one(3, dynamicValue),
  third: one(4, dynamicValue),
  private: one(5, bytes),
});
const type = [
  'object',
  { name: 'string', tags: ['map', 'number'], parts: ['list', ['object', { size: 'number' }]], id: 'string' },
] as const;
const value = {
  msgpack: encodeValue(
    object([
      ['name', 'PLANTED'],
      ['tags', object([['a', 1]])],
      ['parts', [object([['size', 2]])]],
      ['id', null],
    ]),
    type,
  ),
};
const whole = request.encode({
  typeName: 'thing',
  first: value,
  second: value,
  third: value,
  private: Buffer.from('{}'),
});

const damaged = fc
  .array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
  .chain((changes) => fc.nat(whole.length).map((length) => ({ changes, length })))
  .map(({ changes, length }) => {
    const copy = Buffer.from(whole);
    for (const [index, byte] of changes) copy[index] = byte;
    return length % 3 === 0 ? copy.subarray(0, length) : copy;
  });

it('survives bytes of any kind in any call', async () => {
  const inputs = fc.oneof(damaged, fc.uint8Array({ maxLength: 80 }));
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...methods), inputs, async (path, bytes) => {
      try {
        const answer = await unary.get(path)?.(bytes, new Cancellation());
        expect(answer).toBeInstanceOf(Uint8Array);
      } catch (cause) {
        const isExpected =
          cause instanceof GrpcError || cause instanceof MalformedError || cause instanceof RangeError;
        expect([path, isExpected ? '' : String(cause)]).toEqual([path, '']);
        expect((cause as Error).message).not.toContain('PLANTED');
      }
    }),
    { numRuns: 3000 },
  );
});

it('tells no name back that is none', async () => {
  const name = 'PLANTED in a place\u0000 for names';
  const call = async (method: string, bytes: Uint8Array) =>
    unary.get(`/tfplugin6.Provider/${method}`)?.(bytes, new Cancellation());
  const unknown = request.encode({ typeName: name });
  await expect(call('CallFunction', unknown)).rejects.toThrow('unknown function (malformed)');
  await expect(call('ReadResource', unknown)).rejects.toThrow(
    'this provider has no resource type (malformed)',
  );
  const first = { msgpack: encodeValue(object([[name, 1]]), ['map', 'number']) };
  await expect(call('ReadResource', request.encode({ typeName: 'thing', first }))).rejects.toThrow(
    'msgpack: attribute (malformed) is not in the schema',
  );
});
