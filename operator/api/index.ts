/**
 * The product's contracts as data: custom resources (group migosmtp.com) and what operator and relay agree on.
 * Flow: stated here once; types, CRDs, Terraform schema and reference docs are derived by generate/.
 * Limits: imports zod and nothing else; other packages see only this file.
 */
export * as relayApi from './relay/index.ts';
