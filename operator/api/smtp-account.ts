/** SmtpAccount: credentials with their policy; what an app needs to send mail. */
import { z } from 'zod';
import {
  MESSAGE_COLUMN,
  REASON_COLUMN,
  ADDRESS_PATTERN,
  SENDER_PATTERN,
  conditions,
  count,
  defineKind,
  duration,
  keyedList,
  objectName,
  observedGeneration,
  secretKey,
  setList,
  stringMap,
  timestamp,
  withDefault,
  withMeta,
  withRules,
  type KubeObject,
} from './define.ts';

/** Reference to an SmtpRelay; namespace defaults to the object's own. */
export const relayRefSchema = z.object({
  name: objectName().describe('Name of the SmtpRelay.'),
  namespace: objectName().describe('Its namespace; the own one without it.').optional(),
});

export const windowLimitSchema = z.enum(['Queue', 'Reject']);

const limits = z.object({
  perMinute: count(1).describe('Most emails a minute.').optional(),
  perHour: count(1).describe('Most emails an hour.').optional(),
  perDay: count(1).describe('Most emails a day.').optional(),
  perMonth: count(1).describe('Most emails a month.').optional(),
  onWindowLimit: withDefault(windowLimitSchema, 'Queue')
    .describe(
      'Mail over a minute, hour or day limit: Queue holds it until the window opens, Reject answers 451.',
    )
    .optional(),
});

const RESERVED_KEYS = [
  'type',
  'provider',
  'host',
  'port',
  'username',
  'password',
  'uri',
  'encryption',
  'from',
  'ca.crt',
  'SMTP_HOST',
  'SMTP_PORT',
  'SMTP_USERNAME',
  'SMTP_PASSWORD',
  'SMTP_ENCRYPTION',
  'SMTP_FROM',
];
const reservedList = `[${RESERVED_KEYS.map((key) => `'${key}'`).join(', ')}]`;

const secret = withRules(
  z.object({
    name: objectName().describe('Name of the Secret. Default: `<account>-smtp`.').optional(),
    labels: stringMap().describe('Labels of the Secret.').optional(),
    annotations: stringMap().describe('Annotations of the Secret.').optional(),
    format: withDefault(z.enum(['Both', 'Env', 'Binding']), 'Both')
      .describe('Which keys it has: SMTP_* (Env), host, port and so on (Binding), or both.')
      .optional(),
    from: z
      .string()
      .regex(ADDRESS_PATTERN)
      .max(254)
      .describe(
        'Sender address published as `from`. Default: the first literal allowed sender, else noreply@ the first verified domain.',
      )
      .optional(),
    keys: withMeta(z.record(secretKey(), z.string().max(4096)), { maxProperties: 64 })
      .describe(
        'Further keys from templates over host, port, username, password, uri, encryption, from: `MAIL_URL: "{{uri}}"`.',
      )
      .optional(),
    deletionPolicy: withDefault(z.enum(['Delete', 'Retain']), 'Delete')
      .describe('Whether the Secret goes with the account.')
      .optional(),
  }),
  [
    {
      cel: `!has(self.keys) || self.keys.all(k, !(k in ${reservedList}))`,
      message: 'secret.keys may not redefine a standard key: choose another name',
      check: (self) => Object.keys(self.keys ?? {}).every((key) => !RESERVED_KEYS.includes(key)),
    },
  ],
);

const rotation = z.object({
  revision: count(0)
    .describe('Raise it to rotate the password once; the old one works through the overlap.')
    .optional(),
  interval: duration().describe('Rotate by itself this often, such as 2160h.').optional(),
  overlap: withDefault(duration(), '24h')
    .describe('How long the old password works after the new one is published.')
    .optional(),
  resetRevision: count(0)
    .describe('Raise it to reset: every old password dies at once, their sessions are closed.')
    .optional(),
});

const spec = withRules(
  z.object({
    displayName: z.string().max(200).describe('A label for people.').optional(),
    relayRef: relayRefSchema
      .describe(
        "Default: the relay of this namespace, else the one in the operator's namespace that admits it.",
      )
      .optional(),
    allowedSenders: setList(z.string().regex(SENDER_PATTERN).max(254), 100)
      .describe('Addresses or `*@domain`; empty: every verified domain that the workspace may use.')
      .optional(),
    limits: limits.describe('Limits of this account, in emails.').optional(),
    suspended: withDefault(z.boolean(), false)
      .describe('Logins are refused and queued mail is held; the slot is kept.')
      .optional(),
    secret: secret.describe('The Secret that apps mount.').optional(),
    passwordFrom: z
      .object({
        name: objectName().describe('Name of the Secret.'),
        key: withDefault(secretKey(), 'password').describe('Key in it.').optional(),
      })
      .describe('Bring a password: read from this Secret, and again within a minute of a change.')
      .optional(),
    rotation: rotation.describe('When the password changes.').optional(),
    rolloutTargets: keyedList(
      z.object({
        kind: z.enum(['Deployment', 'StatefulSet', 'DaemonSet']).describe('Kind of the workload.'),
        name: objectName().describe('Its name, in the namespace of the account.'),
      }),
      ['kind', 'name'],
    )
      .max(20)
      .describe('Workloads restarted after a rotation, and followed until they are done.')
      .optional(),
  }),
  [
    {
      cel: '!(has(self.passwordFrom) && has(self.rotation) && has(self.rotation.interval))',
      message:
        'rotation.interval cannot be used with passwordFrom: a brought password is rotated by its owner',
      check: (self) => !(self.passwordFrom && self.rotation?.interval !== undefined),
    },
  ],
);

const status = z.object({
  observedGeneration: observedGeneration().optional(),
  username: z.string().describe('Login name, for the life of the account.').optional(),
  host: z.string().describe('Host that clients connect to.').optional(),
  ports: z
    .object({
      starttls: z.int().describe('Begins in clear and takes STARTTLS.'),
      tls: z.int().describe('TLS from the first byte.'),
    })
    .describe('Ports for STARTTLS and for TLS.')
    .optional(),
  binding: z
    .object({ name: z.string().describe('Name of the Secret.') })
    .describe('The credentials Secret (Service Binding specification).')
    .optional(),
  relayRef: z
    .object({ name: z.string().describe('Its name.'), namespace: z.string().describe('Its namespace.') })
    .describe('The relay that was resolved.')
    .optional(),
  credentials: z
    .object({
      revision: z.int().describe('Counts the passwords of this account.'),
      issuedAt: timestamp().describe('When the present password was published.'),
      answered: z
        .object({
          rotation: z.int().describe('The rotation.revision that was carried out last.'),
          reset: z.int().describe('The rotation.resetRevision that was carried out last.'),
        })
        .describe('Triggers that were answered.'),
      previous: z
        .array(
          z.object({
            revision: z.int().describe('Which password it is.'),
            validUntil: timestamp().describe('When it stops to log in.'),
            lastUsedAt: timestamp().describe('Last login with it.').optional(),
          }),
        )
        .describe('Earlier passwords that still log in.')
        .optional(),
      nextRotationAt: timestamp().describe('Next rotation by interval.').optional(),
    })
    .describe('State of the password.')
    .optional(),
  usage: z
    .object({
      month: z.string().describe('Calendar month, `2026-11`.'),
      emails: z.int().describe('Emails sent in it.'),
      limit: z.int().describe('Most that it may send; absent when unlimited.').optional(),
      today: z.int().describe('Emails sent today.'),
      lastUsedAt: timestamp().describe('Last login by a client.').optional(),
      asOf: timestamp().describe('When this was read.'),
    })
    .describe('What was sent, at most every 15 minutes; exact figures are in the reports API.')
    .optional(),
  conditions: conditions().optional(),
});

export const smtpAccount = defineKind({
  kind: 'SmtpAccount',
  plural: 'smtpaccounts',
  singular: 'smtpaccount',
  shortNames: ['smtp'],
  description: 'Credentials to send mail, with senders, limits and rotation.',
  spec,
  status,
  printerColumns: [
    { name: 'Ready', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].status" },
    REASON_COLUMN,
    { name: 'Username', type: 'string', jsonPath: '.status.username' },
    { name: 'Secret', type: 'string', jsonPath: '.status.binding.name' },
    {
      name: 'Month',
      type: 'integer',
      jsonPath: '.status.usage.emails',
      description: 'Emails this month',
      priority: 1,
    },
    { name: 'Relay', type: 'string', jsonPath: '.status.relayRef.name', priority: 1 },
    MESSAGE_COLUMN,
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  crdLabels: { 'servicebinding.io/provisioned-service': 'true' },
});

export type SmtpAccountSpec = z.infer<typeof spec>;
export type SmtpAccountStatus = z.infer<typeof status>;
export type SmtpAccount = KubeObject<SmtpAccountSpec, SmtpAccountStatus>;
