/** Which schema changes a store needs, and whether this release may work on it at all. */

/** One step of a store's schema. Steps are only ever added, never edited, once a release has run them. */
export interface Migration {
  readonly version: number;
  /**
   * Lowest version whose release still works on the result. Equal to `version` where older releases would misread
   * or break what this one writes; the previous one where the step only adds what older releases can ignore.
   */
  readonly usableFrom: number;
  readonly sql: string;
}

/** What a store says of itself; version 0: empty. */
export interface StoredSchema {
  readonly version: number;
  readonly usableFrom: number;
}

export type MigrationPlan =
  | { readonly kind: 'run'; readonly steps: readonly Migration[]; readonly result: StoredSchema }
  /** A later release made it and this one must not touch it. */
  | { readonly kind: 'refuse'; readonly found: number; readonly known: number };

export const EMPTY_SCHEMA: StoredSchema = { version: 0, usableFrom: 0 };

export function planMigration(migrations: readonly Migration[], stored: StoredSchema): MigrationPlan {
  const known = migrations.at(-1)?.version ?? 0;
  if (stored.usableFrom > known) return { kind: 'refuse', found: stored.version, known };
  const steps = migrations.filter(({ version }) => version > stored.version);
  const usableFrom = Math.max(stored.usableFrom, ...steps.map((step) => step.usableFrom));
  return { kind: 'run', steps, result: { version: Math.max(known, stored.version), usableFrom } };
}
