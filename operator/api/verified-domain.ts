/** VerifiedDomain: a domain that a workspace proves by DNS, so that its accounts may send from it. */
import { z } from 'zod';
import {
  MESSAGE_COLUMN,
  REASON_COLUMN,
  DNS_NAME_PATTERN,
  conditions,
  defineKind,
  duration,
  immutable,
  observedGeneration,
  timestamp,
  withDefault,
  type KubeObject,
} from './define.ts';
import { relayRefSchema } from './smtp-account.ts';
import { allowedNamespacesSchema } from './smtp-relay.ts';

const checkLevel = z.enum(['Required', 'Warn', 'Ignore']);

const domainField = immutable(z.string().regex(DNS_NAME_PATTERN).min(3).max(253), 'domain');

const spec = z.object({
  domain: domainField.describe('The domain, in lower case, A-labels for international names.'),
  relayRef: relayRefSchema
    .describe(
      "Default: the relay of this namespace, else the one in the operator's namespace that admits it.",
    )
    .optional(),
  allowedNamespaces: allowedNamespacesSchema
    .describe('Workspaces whose accounts may send from it. Default: its own.')
    .optional(),
  dkim: z
    .object({
      keyType: withDefault(z.enum(['RSA2048', 'Ed25519', 'Both']), 'RSA2048')
        .describe('Keys that sign.')
        .optional(),
      selectorPrefix: withDefault(z.string().regex(/^[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?$/), 'migo')
        .describe('Beginning of the DKIM selectors.')
        .optional(),
      rotationInterval: duration()
        .describe('Change keys this often; the next key signs only after DNS shows it.')
        .optional(),
    })
    .describe('DKIM signatures.')
    .optional(),
  spf: withDefault(checkLevel, 'Warn')
    .describe('Whether a wrong SPF record keeps the domain from being Ready.')
    .optional(),
  dmarc: withDefault(checkLevel, 'Warn')
    .describe('Whether a missing DMARC record keeps the domain from being Ready.')
    .optional(),
  recheckInterval: withDefault(duration(), '1h')
    .describe('How often a verified domain is checked again.')
    .optional(),
});

const record = z.object({
  type: z.string().describe('TXT, CNAME or MX.'),
  name: z.string().describe('Full name of the record.'),
  value: z.string().describe('What it must hold.'),
  state: z.enum(['Pending', 'Valid', 'Invalid', 'Unknown', 'Ignored']).describe('What the last check found.'),
  observed: z.string().describe('What DNS answered, when it differs.').optional(),
  lastCheckedAt: timestamp().describe('When DNS was asked last.').optional(),
});

const status = z.object({
  observedGeneration: observedGeneration().optional(),
  domain: z.string().describe('The domain that is verified; a changed spec.domain is ignored.').optional(),
  relayRef: z
    .object({ name: z.string().describe('Its name.'), namespace: z.string().describe('Its namespace.') })
    .describe('The relay that was resolved.')
    .optional(),
  dnsRecords: z
    .object({
      ownership: record.describe('Proves that the workspace controls the domain.').optional(),
      spf: record.describe('Lets the relay send for the domain.').optional(),
      dkim: record.describe('Public key of the signatures (the RSA key with Both).').optional(),
      dkimEd25519: record.describe('Public Ed25519 key, with keyType Both.').optional(),
      dkimNext: record.describe('Key that signs next; publish it before it can.').optional(),
      dmarc: record.describe('Policy for mail that fails.').optional(),
      returnPath: record.describe('Where bounces come in, when the relay takes them.').optional(),
      returnPathSpf: record
        .describe('Lets the relay send from the return path, when it takes bounces.')
        .optional(),
    })
    .describe('Records to publish, and what DNS shows of them.')
    .optional(),
  verifiedAt: timestamp().describe('When ownership was proven.').optional(),
  conditions: conditions().optional(),
});

export const verifiedDomain = defineKind({
  kind: 'VerifiedDomain',
  plural: 'verifieddomains',
  singular: 'verifieddomain',
  shortNames: ['vdom'],
  description: 'A sender domain, proven by DNS records.',
  spec,
  status,
  printerColumns: [
    { name: 'Domain', type: 'string', jsonPath: '.spec.domain' },
    { name: 'Ready', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].status" },
    REASON_COLUMN,
    { name: 'Ownership', type: 'string', jsonPath: '.status.dnsRecords.ownership.state', priority: 1 },
    { name: 'DKIM', type: 'string', jsonPath: '.status.dnsRecords.dkim.state', priority: 1 },
    MESSAGE_COLUMN,
    { name: 'Verified', type: 'date', jsonPath: '.status.verifiedAt' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
});

export type VerifiedDomainSpec = z.infer<typeof spec>;
export type VerifiedDomainStatus = z.infer<typeof status>;
export type DnsRecord = z.infer<typeof record>;
export type VerifiedDomain = KubeObject<VerifiedDomainSpec, VerifiedDomainStatus>;
