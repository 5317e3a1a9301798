/** TestMessage: one test mail through an account's own login, followed to its outcome. */
import { z } from 'zod';
import {
  MESSAGE_COLUMN,
  REASON_COLUMN,
  address,
  conditions,
  defineKind,
  objectName,
  observedGeneration,
  timestamp,
  withMeta,
  withDefault,
  withRules,
  type KubeObject,
} from './define.ts';

const spec = withMeta(
  withRules(
    z.object({
      accountRef: z
        .object({ name: objectName().describe('Name of the SmtpAccount in this namespace.') })
        .describe('The account that sends.'),
      to: address().describe('Recipient.'),
      from: address().describe("Sender. Default: the account's own `from`.").optional(),
      subject: withDefault(
        z
          .string()
          .regex(/^[^\r\n]*$/)
          .max(200),
        'MigoSMTP test message',
      )
        .describe('Subject line.')
        .optional(),
    }),
    [],
  ),
  {
    'x-kubernetes-validations': [
      { rule: 'self == oldSelf', message: 'a TestMessage is immutable: create another one to send again' },
    ],
    'x-migosmtp-immutable': true,
  },
);

const status = z.object({
  observedGeneration: observedGeneration().optional(),
  phase: z
    .enum(['Pending', 'Sent', 'Delivered', 'Failed'])
    .describe('Sent: the relay has it; Delivered: the next hop accepted it.')
    .optional(),
  messageId: z.string().describe('Message-ID of the mail.').optional(),
  queueId: z.string().describe("The relay's queue id.").optional(),
  response: z.string().describe('Last reply, of the relay or the next hop.').optional(),
  deliveredAt: timestamp().describe('When the next hop accepted it.').optional(),
  conditions: conditions().optional(),
});

export const testMessage = defineKind({
  kind: 'TestMessage',
  plural: 'testmessages',
  singular: 'testmessage',
  shortNames: ['tmsg'],
  description: 'A test mail, sent once with the login of an account.',
  spec,
  status,
  printerColumns: [
    { name: 'Account', type: 'string', jsonPath: '.spec.accountRef.name' },
    { name: 'To', type: 'string', jsonPath: '.spec.to' },
    { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
    REASON_COLUMN,
    MESSAGE_COLUMN,
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
});

export type TestMessageSpec = z.infer<typeof spec>;
export type TestMessageStatus = z.infer<typeof status>;
export type TestMessage = KubeObject<TestMessageSpec, TestMessageStatus>;
