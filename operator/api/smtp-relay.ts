/** SmtpRelay: the SMTP service that carries the mail of its workspaces. */
import { z } from 'zod';
import {
  MESSAGE_COLUMN,
  REASON_COLUMN,
  conditions,
  count,
  defineKind,
  dnsName,
  duration,
  keyedList,
  network,
  objectName,
  observedGeneration,
  quantity,
  secretKey,
  setList,
  stringMap,
  withDefault,
  withMeta,
  withRules,
  type KubeObject,
} from './define.ts';
import { PLAN_NAMES } from './plans.ts';

export const selectorSchema = z.object({
  matchLabels: stringMap().describe('Labels that a namespace must have, each with this value.').optional(),
  matchExpressions: z
    .array(
      z.object({
        key: z.string().describe('Key of the label.'),
        operator: z
          .enum(['In', 'NotIn', 'Exists', 'DoesNotExist'])
          .describe('How the label relates to the values.'),
        values: z.array(z.string()).describe('Values for In and NotIn; none for the others.').optional(),
      }),
    )
    .describe('Conditions on the labels, all of which must hold.')
    .optional(),
});

/** Which namespaces may use an object, as in the Gateway API. */
export const allowedNamespacesSchema = withRules(
  z.object({
    from: withDefault(z.enum(['Same', 'All', 'Selector']), 'Same')
      .describe('Same: only its own namespace; All; Selector: those that match.')
      .optional(),
    selector: selectorSchema.describe('Labels of the namespaces that are allowed.').optional(),
  }),
  [
    {
      cel: "(has(self.from) && self.from == 'Selector') == has(self.selector)",
      message: 'allowedNamespaces.selector goes together with from: Selector, and only with it',
      check: (self) => (self.from === 'Selector') === (self.selector !== undefined),
    },
  ],
);

const smarthost = z.object({
  host: dnsName().describe('Host name of the next hop.'),
  port: withDefault(count(1, 65535), 587).describe('Port of the next hop.').optional(),
  tls: withDefault(z.enum(['Required', 'Opportunistic', 'Implicit', 'None']), 'Required')
    .describe(
      'Required: STARTTLS with a verified certificate; Implicit: TLS from the first byte, verified; Opportunistic: STARTTLS if offered; None.',
    )
    .optional(),
  credentialsSecretRef: z
    .object({ name: objectName().describe('Name of the Secret.') })
    .describe('Secret with `username` and `password` for the next hop.')
    .optional(),
  caSecretRef: z
    .object({
      name: objectName().describe('Name of the Secret.'),
      key: withDefault(secretKey(), 'ca.crt').describe('Key in it.').optional(),
    })
    .describe('Secret with the PEM bundle that signs the next hop, when it is private.')
    .optional(),
});

const direct = z.object({
  allowPrivateAddresses: withDefault(z.boolean(), false)
    .describe('Deliver to MX hosts on private addresses too.')
    .optional(),
});

const delivery = withRules(
  z.object({
    smarthost: smarthost.describe('Hand every message to this host.').optional(),
    direct: direct.describe('Deliver to the MX hosts of each recipient.').optional(),
  }),
  [
    {
      cel: 'has(self.smarthost) != has(self.direct)',
      message: 'delivery needs exactly one of smarthost and direct',
      check: (self) => (self.smarthost !== undefined) !== (self.direct !== undefined),
    },
  ],
);

/** https anywhere; http only to this host or a name that the cluster resolves: addresses of recipients are in the body. */
export const WEBHOOK_URL =
  /^(https:\/\/[^\s/?#@]+|http:\/\/(localhost|127\.0\.0\.1|[a-z0-9-]+|[a-z0-9-]+\.[a-z0-9-]+\.svc(\.cluster\.local)?)(:[0-9]{1,5})?)([/?]\S*)?$/;

const webhook = z.object({
  name: objectName().describe('Names the webhook in metrics and logs.'),
  url: z
    .string()
    .regex(WEBHOOK_URL)
    .max(2048)
    .describe('Where events are posted: https, or http to a name within the cluster.'),
  secretRef: z
    .object({
      name: objectName().describe('Name of the Secret.'),
      key: withDefault(secretKey(), 'secret').describe('Key in it.').optional(),
    })
    .describe('Secret with the signing secret: `whsec_` and base64, or any text.'),
  events: setList(z.enum(['Delivered', 'Deferred', 'Bounced', 'Suppressed', 'LimitReached']), 5).describe(
    'What is told.',
  ),
  caSecretRef: z
    .object({
      name: objectName().describe('Name of the Secret.'),
      key: withDefault(secretKey(), 'ca.crt').describe('Key in it.').optional(),
    })
    .describe('Secret with the PEM bundle that signs the receiver, when it is private.')
    .optional(),
});

const storage = withRules(
  z.object({
    embedded: z
      .object({
        size: withDefault(quantity(), '10Gi').describe('Size of the volume claim.').optional(),
        storageClassName: objectName()
          .describe('Class of the volume claim; the cluster default without it.')
          .optional(),
      })
      .describe('SQLite on a volume claim; one replica.')
      .optional(),
    postgres: z
      .object({
        secretRef: z
          .object({
            name: objectName().describe('Name of the Secret.'),
            key: withDefault(secretKey(), 'uri').describe('Key in it.').optional(),
          })
          .describe(
            'Secret with the connection URI (postgres://user:password@host:5432/database?sslmode=verify-full) and, where its CA is private, ca.crt. One database serves one SmtpRelay.',
          ),
      })
      .describe('PostgreSQL; any number of replicas.')
      .optional(),
  }),
  [
    {
      cel: '!(has(self.embedded) && has(self.postgres))',
      message: 'storage takes one of embedded and postgres',
      check: (self) => !(self.embedded && self.postgres),
    },
  ],
);

const spec = withRules(
  z.object({
    hostname: dnsName()
      .describe(
        'Public name: in the greeting, the certificate and the credentials. Default: the Service name.',
      )
      .optional(),
    replicas: withDefault(count(0, 100), 1)
      .describe('Number of relay pods; more than one needs storage.postgres.')
      .optional(),
    image: z
      .string()
      .min(1)
      .describe("Image of the relay pods. Default: the operator's own release.")
      .optional(),
    service: z
      .object({
        type: withDefault(z.enum(['ClusterIP', 'NodePort', 'LoadBalancer']), 'ClusterIP')
          .describe('Type of the Service.')
          .optional(),
        annotations: stringMap()
          .describe('Annotations of the Service, for cloud load balancers and external-dns.')
          .optional(),
        externalTrafficPolicy: withDefault(z.enum(['Cluster', 'Local']), 'Cluster')
          .describe('Local keeps client addresses.')
          .optional(),
      })
      .describe('The Service in front of the pods, ports 587 and 465.')
      .optional(),
    proxyProtocol: z
      .object({
        trustedAddresses: setList(network(), 64).describe(
          'Addresses and networks of load balancers that begin each connection with a PROXY header, version 1 or 2. Whatever connects from there must send one: list nothing that apps or the operator connect from.',
        ),
      })
      .describe('Load balancers that tell the address of the client by the PROXY protocol.')
      .optional(),
    tls: z
      .object({ secretName: objectName().describe('Secret of type kubernetes.io/tls in this namespace.') })
      .describe('Certificate of the SMTP listeners. Without it the operator makes a CA and a certificate.')
      .optional(),
    delivery: delivery.describe('Where mail goes: smarthost or direct.'),
    bounces: z
      .object({
        enabled: withDefault(z.boolean(), false)
          .describe('Use a VERP return path and take bounces on port 25.')
          .optional(),
      })
      .describe('Return path and bounce intake.')
      .optional(),
    storage: storage.describe('Where accepted mail is kept. Default: embedded.').optional(),
    allowedNamespaces: allowedNamespacesSchema
      .describe('Workspaces that may use this relay. Default: its own namespace.')
      .optional(),
    defaultPlan: z.enum(PLAN_NAMES).describe('Plan of workspaces that have no PlanLimit.').optional(),
    messageLimits: z
      .object({
        maxSize: withDefault(quantity(), '25Mi').describe('Largest message.').optional(),
        maxRecipients: withDefault(count(1, 10_000), 100)
          .describe('Most recipients of one message.')
          .optional(),
      })
      .describe('Limits of a single message.')
      .optional(),
    retention: z
      .object({
        reports: withDefault(duration(), '720h')
          .describe('Age at which delivery reports are removed.')
          .optional(),
      })
      .describe('How long records are kept.')
      .optional(),
    webhooks: keyedList(webhook, ['name'])
      .max(10)
      .describe(
        'Receivers that are told what becomes of mail: signed posts (Standard Webhooks), repeated for a day, in no order.',
      )
      .optional(),
    deletionPolicy: withDefault(z.enum(['Retain', 'Delete']), 'Retain')
      .describe(
        'Retain keeps volume, DKIM and CA Secrets when the relay is deleted; they are adopted on re-creation.',
      )
      .optional(),
    podTemplate: withMeta(z.looseObject({}), {
      'x-kubernetes-preserve-unknown-fields': true,
      'x-migosmtp-terraform': 'json',
    })
      .describe('Merged over the pod template: metadata, resources, nodeSelector, tolerations and so on.')
      .optional(),
  }),
  [
    {
      cel: '!has(self.replicas) || self.replicas <= 1 || (has(self.storage) && has(self.storage.postgres))',
      message: 'replicas above 1 needs storage.postgres: embedded storage serves one pod',
      check: (self) => (self.replicas ?? 1) <= 1 || self.storage?.postgres !== undefined,
    },
  ],
);

const status = z.object({
  observedGeneration: observedGeneration().optional(),
  address: z.string().describe('Host that clients use: the hostname, or the Service name.').optional(),
  replicas: z.int().describe('Pods that exist.').optional(),
  readyReplicas: z.int().describe('Pods that answer logins.').optional(),
  selector: z.string().describe('Label selector of the pods, for the scale subresource.').optional(),
  accounts: z.int().describe('Accounts that this relay serves.').optional(),
  domains: z.int().describe('Verified domains that it sends for.').optional(),
  revision: z.int().describe('Highest configuration revision that was written.').optional(),
  pods: keyedList(
    z.object({
      name: z.string().describe('Name of the pod.'),
      appliedRevision: z.int().describe('Revision that it works with.'),
    }),
    ['name'],
  )
    .describe('Revision that each pod acknowledged.')
    .optional(),
  caBundle: z
    .string()
    .describe('PEM bundle that clients need to trust; empty with a public certificate.')
    .optional(),
  conditions: conditions().optional(),
});

export const smtpRelay = defineKind({
  kind: 'SmtpRelay',
  plural: 'smtprelays',
  singular: 'smtprelay',
  shortNames: ['relay'],
  description: 'An SMTP submission service: pods, Service, certificate, storage and delivery.',
  spec,
  status,
  printerColumns: [
    { name: 'Ready', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].status" },
    REASON_COLUMN,
    { name: 'Address', type: 'string', jsonPath: '.status.address' },
    { name: 'Pods', type: 'integer', jsonPath: '.status.readyReplicas' },
    { name: 'Accounts', type: 'integer', jsonPath: '.status.accounts' },
    { name: 'Domains', type: 'integer', jsonPath: '.status.domains', priority: 1 },
    MESSAGE_COLUMN,
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  scale: {
    specReplicasPath: '.spec.replicas',
    statusReplicasPath: '.status.replicas',
    labelSelectorPath: '.status.selector',
  },
});

export type SmtpRelaySpec = z.infer<typeof spec>;
export type SmtpRelayStatus = z.infer<typeof status>;
export type SmtpRelay = KubeObject<SmtpRelaySpec, SmtpRelayStatus>;
export type AllowedNamespaces = z.infer<typeof allowedNamespacesSchema>;
