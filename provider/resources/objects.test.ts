import { describe, expect, it } from '@jest/globals';
import { object, type Value, type ValueObject } from '../core/index.ts';
import type { Json, KubeObject } from '../kube/index.ts';
import { fromObject } from './from-object.ts';
import { leftovers, withdrawn } from './leftovers.ts';
import { kindSchemas } from './schema.generated.ts';

const account = kindSchemas.smtp_account;
const relay = kindSchemas.smtp_relay;
const value = (members: Record<string, Value>): ValueObject => object(Object.entries(members));

function found(spec: Json, metadata: Partial<KubeObject['metadata']> = {}): KubeObject {
  return { metadata: { name: 'a', namespace: 'n', uid: 'u', ...metadata }, spec };
}

describe('state of an argument', () => {
  const read = (spec: Json, prior: Record<string, Value>) => fromObject(account, found(spec), value(prior));

  it('that was never declared stays null, whatever others wrote', () => {
    const state = read(
      { suspended: true, limits: { perDay: 5, perHour: 1 } },
      { limits: value({ per_day: 5 }) },
    );
    expect(state['suspended']).toBeNull();
    expect(state['limits']).toMatchObject({ per_day: 5, per_hour: null });
  });

  it('that someone changed or removed shows it', () => {
    const state = read(
      { limits: { perDay: 6 } },
      { limits: value({ per_day: 5, per_hour: 1 }), suspended: true },
    );
    expect(state['limits']).toMatchObject({ per_day: 6, per_hour: null });
    expect(state['suspended']).toBeNull();
  });

  it('that is empty equals one that is absent', () => {
    expect(read({}, { limits: value({}), allowed_senders: [] })).toMatchObject({
      limits: {},
      allowed_senders: [],
    });
  });

  it('that is a map has the declared keys only', () => {
    const secret = value({ labels: value({ a: '1', b: '2' }) });
    const state = read({ secret: { labels: { a: 'x', theirs: 'y' } } }, { secret });
    expect(state['secret']).toMatchObject({ labels: { a: 'x' } });
  });

  it('that is JSON keeps its text while it means the same', () => {
    const text = '{ "b": 1, "a": [true] }';
    const prior = value({ pod_template: text });
    expect(fromObject(relay, found({ podTemplate: { a: [true], b: 1 } }), prior)['pod_template']).toBe(text);
    expect(fromObject(relay, found({ podTemplate: { b: 2 } }), prior)['pod_template']).toBe('{"b":2}');
  });
});

describe('an import', () => {
  it('of a foreign object takes what it says, but for defaults of the API', () => {
    const state = fromObject(account, found({ suspended: false, limits: { perDay: 5 } }), 'import');
    expect(state).toMatchObject({ suspended: null, limits: { per_day: 5 }, labels: null });
  });

  it('of an object that this provider made takes what it owns, defaults and empty objects too', () => {
    const fieldsV1 = { 'f:metadata': { 'f:labels': { 'f:a': {} } }, 'f:spec': { 'f:replicas': {} } };
    const managedFields = [{ manager: 'terraform-provider-migosmtp', operation: 'Apply', fieldsV1 }];
    const labels = { a: '1', theirs: '2' };
    const object = found(
      { replicas: 1, hostname: 'theirs', delivery: { direct: {} } },
      { managedFields, labels },
    );
    expect(fromObject(relay, object, 'import')).toMatchObject({
      replicas: 1,
      hostname: null,
      delivery: { direct: {}, smarthost: null },
      labels: { a: '1' },
    });
  });
});

describe('what server-side apply of old API servers leaves', () => {
  const prior = value({
    delivery: value({ direct: value({ allow_private_addresses: null }) }),
    service: value({ annotations: value({ a: '1' }) }),
    hostname: 'mail.example.com',
  });
  const planned = value({ delivery: value({ smarthost: value({ host: 'x' }) }) });

  it('is removed where it is empty', () => {
    const live = { delivery: { direct: {}, smarthost: { host: 'x' } }, service: { annotations: {} } };
    expect(leftovers(relay, { prior, planned, live })).toEqual({
      spec: { delivery: { direct: null }, service: null },
    });
  });

  it('is left where somebody else holds something in it', () => {
    const live = {
      delivery: { smarthost: { host: 'x' } },
      service: { type: 'NodePort', annotations: { b: '2' } },
    };
    expect(leftovers(relay, { prior, planned, live })).toBeUndefined();
  });

  it('is withdrawn as far as it was declared', () => {
    const live = {
      delivery: { direct: {} },
      service: { type: 'NodePort', annotations: { a: '1', b: '2' } },
      hostname: 'mail.example.com',
    };
    expect(withdrawn(relay, { prior, planned, live })).toEqual({
      spec: { delivery: { direct: null }, service: { annotations: { a: null } }, hostname: null },
    });
  });
});
