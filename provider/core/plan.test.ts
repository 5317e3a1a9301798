import { describe, expect, it } from '@jest/globals';
import { plan } from './plan.ts';
import type { Attributes, Schema } from './schema.ts';
import { object, UNKNOWN, type Value, type ValueObject } from './value.ts';

const attributes: Attributes = {
  name: { type: 'string', required: true, replace: true },
  space: { type: 'string', optional: true, computed: true, default: 'default', replace: true },
  size: { type: 'number', optional: true },
  tags: { type: ['set', 'string'], optional: true },
  turn: {
    type: {
      nesting: 'single',
      attributes: {
        revision: { type: 'number', optional: true },
        fixed: { type: 'string', optional: true, replace: true },
        stamp: { type: 'string', computed: true },
      },
    },
    optional: true,
  },
  secret: { type: 'string', optional: true, writeOnly: true },
  uid: { type: 'string', computed: true, changesWith: [] },
  revision: { type: 'number', computed: true, changesWith: ['turn'] },
  status: { type: 'string', computed: true },
  timeouts: {
    type: { nesting: 'single', attributes: { create: { type: 'string', optional: true } } },
    optional: true,
    local: true,
  },
};
const schema: Schema = { version: 0, description: '', attributes };

function value(members: Record<string, Value>): ValueObject {
  const names = Object.keys(attributes);
  return object(names.map((name) => [name, members[name] ?? null]));
}

/** Terraform's merge, as far as these cases need it: configured, else what the state has for computed ones. */
function proposed(config: ValueObject, prior: ValueObject | null): ValueObject {
  return object(
    Object.entries(attributes).map(([name, attribute]) => [
      name,
      config[name] ?? (attribute.computed ? (prior?.[name] ?? null) : null),
    ]),
  );
}

function planOf(stated: Record<string, Value>, before: Record<string, Value> | null = null) {
  const config = value(stated);
  const prior = before && value(before);
  return plan(schema, { prior, config, proposed: proposed(config, prior) });
}

const state = { name: 'a', space: 'default', size: 1, uid: 'u', revision: 3, status: 'ok' };

describe('a new object', () => {
  it('has defaults where configuration is silent, and everything computed unknown', () => {
    const { planned, replace } = planOf({ name: 'a', size: 1 });
    expect(planned).toMatchObject({ name: 'a', space: 'default', size: 1, tags: null });
    expect([planned['uid'], planned['revision'], planned['status']]).toEqual([UNKNOWN, UNKNOWN, UNKNOWN]);
    expect(replace).toEqual([]);
  });

  it('leaves unknown configuration unknown', () => {
    expect(planOf({ name: 'a', size: UNKNOWN }).planned['size']).toBe(UNKNOWN);
  });

  it('never plans a write-only value', () => {
    expect(planOf({ name: 'a', secret: 'hush' }).planned['secret']).toBeNull();
  });

  it('has computed members of a configured object unknown', () => {
    expect(planOf({ name: 'a', turn: { revision: 1, fixed: null, stamp: null } }).planned['turn']).toEqual({
      revision: 1,
      fixed: null,
      stamp: UNKNOWN,
    });
  });
});

describe('an unchanged object', () => {
  it('plans nothing', () => {
    expect(planOf({ name: 'a', size: 1 }, state)).toEqual({ planned: value(state), replace: [] });
  });

  it('plans nothing when a set is written in another order', () => {
    const before = { ...state, tags: ['x', 'y'] };
    const { planned } = planOf({ name: 'a', size: 1, tags: ['y', 'x'] }, before);
    expect(planned['status']).toBe('ok');
  });

  it('plans nothing but the timeouts when only these change', () => {
    const timeouts = { create: '1m' };
    const { planned } = planOf({ name: 'a', size: 1, timeouts }, state);
    expect(planned).toEqual(value({ ...state, timeouts }));
  });
});

describe('a changed object', () => {
  it('keeps what stays for life, and what depends on other attributes', () => {
    const { planned, replace } = planOf({ name: 'a', size: 2 }, state);
    expect(planned).toMatchObject({ size: 2, uid: 'u', revision: 3 });
    expect(planned['status']).toBe(UNKNOWN);
    expect(replace).toEqual([]);
  });

  it('has unknown what depends on the attribute that changed', () => {
    const { planned } = planOf(
      { name: 'a', size: 1, turn: { revision: 2, fixed: null, stamp: null } },
      state,
    );
    expect(planned['revision']).toBe(UNKNOWN);
    expect(planned['uid']).toBe('u');
  });

  it('is replaced when a fixed attribute changes, or may change', () => {
    expect(planOf({ name: 'b', size: 1 }, state).replace).toEqual([[{ name: 'name' }]]);
    expect(planOf({ name: UNKNOWN, size: 1 }, state).replace).toEqual([[{ name: 'name' }]]);
    expect(planOf({ name: 'a', space: 'other', size: 1 }, state).replace).toEqual([[{ name: 'space' }]]);
  });

  it('is replaced by a fixed member of an object', () => {
    const before = { ...state, turn: { revision: 1, fixed: 'x', stamp: 's' } };
    const turn = { revision: 1, fixed: 'y', stamp: null };
    expect(planOf({ name: 'a', size: 1, turn }, before).replace).toEqual([
      [{ name: 'turn' }, { name: 'fixed' }],
    ]);
  });

  it('goes back to the default when the attribute is removed', () => {
    const before = { ...state, space: 'other' };
    const { planned } = planOf({ name: 'a', size: 1 }, before);
    expect(planned['space']).toBe('default');
  });
});

describe('an object that nothing changes', () => {
  const nested = { name: 'a', space: 'default', turn: object([['revision', 1]]), tags: ['x'] };
  const prior = value({ ...state, ...nested });

  it('is planned as the very value that the state has', () => {
    const unchanged = plan(schema, { prior, proposed: prior, config: value(nested) });
    expect(unchanged.planned).toBe(prior);
    expect(unchanged.replace).toEqual([]);
  });

  it('is compared where a default says something else than the state', () => {
    const elsewhere = value({ ...state, space: 'other' });
    const { planned, replace } = plan(schema, {
      prior: elsewhere,
      proposed: elsewhere,
      config: value({ name: 'a', size: 1 }),
    });
    expect(planned['space']).toBe('default');
    expect(replace).toEqual([[{ name: 'space' }]]);
  });

  it('is compared where a state still holds what is only to be sent', () => {
    const old = value({ ...state, secret: 'left over' });
    const { planned } = plan(schema, { prior: old, proposed: old, config: value({ name: 'a', size: 1 }) });
    expect(planned['secret']).toBeNull();
  });
});
