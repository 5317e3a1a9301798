/**
 * CDKTF and CDK Terrain constructs: accounts, domains, plans and relays with what apps need of them.
 * Flow: a construct holds one binding, always its child `Resource`; bindings are generated from the provider's
 * schema; build/ compiles both for each core, because constructs of one core fail in a stack of the other.
 * Limits: no types of Kubernetes or DNS packages: pods and records are plain data that fits them. A password appears
 * as a reference only, in the ephemeral SmtpCredentials.
 */
export { MigosmtpProvider } from '#bindings/provider/index.js';
export type { MigosmtpProviderConfig } from '#bindings/provider/index.js';
export * from './account-base.ts';
export * from './account.ts';
export * from './credentials-secret.ts';
export * from './credentials.ts';
export * from './delivery.ts';
export * from './domain.ts';
export * from './namespaces.ts';
export * from './plan.ts';
export * from './relay-reference.ts';
export * from './relay.ts';
export * from './removal-policy.ts';
export * from './rotation.ts';
export * from './sending-limit.ts';
export * from './storage.ts';
export type { ObjectProps } from './object.ts';
export type { SmtpAccountLookup } from './imported-account.ts';
