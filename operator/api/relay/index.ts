/**
 * What operator and relay agree on, stated once.
 * `shard.ts`: configuration documents; `process.ts`: a relay process's own file; `admin.ts`: the admin API.
 * Limits: types and schemas only; no I/O.
 */
export * from './shard.ts';
export * from './process.ts';
export * from './admin.ts';
