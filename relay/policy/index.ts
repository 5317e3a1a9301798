/**
 * What a session may do: pure decisions over the directory (accounts, domains, workspaces), time and counts.
 * Flow: session asks for sender and charge; the spool repeats the charge decision inside its transaction.
 * Limits: takes values, imports no file system, network, clock or random source.
 */
export * from './directory.ts';
export * from './sender.ts';
export * from './windows.ts';
export * from './charge.ts';
export * from './known-scopes.ts';
