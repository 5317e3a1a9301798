/**
 * The product's contracts as data: custom resources (group migosmtp.com) and what operator and relay agree on.
 * Flow: stated here once; types, CRDs, Terraform schema and reference docs are derived by generate/.
 * Limits: imports zod and nothing else; other packages see only this file.
 */
import { planLimit } from './plan-limit.ts';
import { smtpAccount } from './smtp-account.ts';
import { smtpRelay } from './smtp-relay.ts';
import { testMessage } from './test-message.ts';
import { verifiedDomain } from './verified-domain.ts';
import type { KindDefinition } from './define.ts';

/** Every kind, in the order in which documents list them. */
export const KINDS: KindDefinition[] = [smtpRelay, smtpAccount, verifiedDomain, planLimit, testMessage];

export * from './define.ts';
export * from './plans.ts';
export * from './validate.ts';
export * from './values.ts';
export * from './smtp-relay.ts';
export * from './smtp-account.ts';
export * from './verified-domain.ts';
export * from './plan-limit.ts';
export * from './test-message.ts';
export * as relayApi from './relay/index.ts';
