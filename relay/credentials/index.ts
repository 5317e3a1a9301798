/**
 * Who may log in: verifiers out of shard documents, and where those documents come from and are kept.
 * Flow: newest of store and mount at start; then pushes and mount changes; each change updates the directory
 * and is told to listeners (sessions close, delivery holds or releases).
 * Limits: no SMTP here; a shard is durable before `push` answers; a lower revision changes nothing.
 */
export * from './verify.ts';
export * from './shards.ts';
export * from './shard-files.ts';
export * from './source.ts';
