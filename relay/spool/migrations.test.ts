import { describe, expect, it } from '@jest/globals';
import { type Migration, planMigration } from './migrations.ts';

const first: Migration = { version: 1, usableFrom: 1, sql: 'one' };
const additive: Migration = { version: 2, usableFrom: 1, sql: 'two' };
const breaking: Migration = { version: 3, usableFrom: 3, sql: 'three' };

describe('schema migrations', () => {
  it.each([
    [
      'an empty store gets every step',
      [first, additive],
      { version: 0, usableFrom: 0 },
      ['one', 'two'],
      2,
      1,
    ],
    ['a current one gets none', [first, additive], { version: 2, usableFrom: 1 }, [], 2, 1],
    ['an older one gets what it lacks', [first, additive], { version: 1, usableFrom: 1 }, ['two'], 2, 1],
    ['an addition of the next release is left alone', [first], { version: 2, usableFrom: 1 }, [], 2, 1],
    [
      'a breaking step shuts older releases out',
      [first, additive, breaking],
      { version: 2, usableFrom: 1 },
      ['three'],
      3,
      3,
    ],
  ] as const)('%s', (_, migrations, stored, steps, version, usableFrom) => {
    const plan = planMigration(migrations, stored);
    if (plan.kind !== 'run') throw new Error('expected a plan');
    expect(plan.steps.map(({ sql }) => sql)).toEqual(steps);
    expect(plan.result).toEqual({ version, usableFrom });
  });

  it('refuses what a later release has made its own', () => {
    expect(planMigration([first, additive], { version: 3, usableFrom: 3 })).toEqual({
      kind: 'refuse',
      found: 3,
      known: 2,
    });
  });
});
