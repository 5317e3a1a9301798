/**
 * One table of valid and invalid objects. It runs through the zod schema, a CEL implementation, the API server and
 * Terraform; a row says what the user reads when it is refused.
 */
import {
  API_VERSION,
  type KindDefinition,
  type KubeObject,
  planLimit,
  smtpAccount,
  smtpRelay,
  testMessage,
  verifiedDomain,
} from '../index.ts';

export interface ObjectRow {
  title: string;
  kind: KindDefinition;
  spec: unknown;
  /** Absent: valid. `schema`: OpenAPI refuses it everywhere; `rule`: a CEL rule with this message. */
  refused?: { by: 'schema'; field: string } | { by: 'rule'; message: string };
}

const smarthost = { smarthost: { host: 'mx.example.net' } };

function valid(title: string, kind: KindDefinition, spec: unknown): ObjectRow {
  return { title, kind, spec };
}
function badField(title: string, kind: KindDefinition, spec: unknown, field: string): ObjectRow {
  return { title, kind, spec, refused: { by: 'schema', field } };
}
function badRule(title: string, kind: KindDefinition, spec: unknown, message: string): ObjectRow {
  return { title, kind, spec, refused: { by: 'rule', message } };
}

export const OBJECT_ROWS: ObjectRow[] = [
  valid('a relay with a smarthost', smtpRelay, { delivery: smarthost }),
  valid('a relay that delivers directly', smtpRelay, { delivery: { direct: {} } }),
  valid('two pods on PostgreSQL', smtpRelay, {
    delivery: smarthost,
    replicas: 2,
    storage: { postgres: { secretRef: { name: 'db' } } },
  }),
  valid('namespaces by selector', smtpRelay, {
    delivery: smarthost,
    allowedNamespaces: { from: 'Selector', selector: { matchLabels: { mail: 'yes' } } },
  }),
  valid('a pod template with anything in it', smtpRelay, {
    delivery: smarthost,
    podTemplate: { spec: { nodeSelector: { disk: 'ssd' } } },
  }),
  badField('a relay without delivery', smtpRelay, {}, 'delivery'),
  badField(
    'a hostname with a trailing dot',
    smtpRelay,
    { hostname: 'mail.example.com.', delivery: smarthost },
    'hostname',
  ),
  badField(
    'a message size in words',
    smtpRelay,
    { delivery: smarthost, messageLimits: { maxSize: '25 MB' } },
    'maxSize',
  ),
  badField(
    'an unknown TLS mode',
    smtpRelay,
    { delivery: { smarthost: { host: 'a.example', tls: 'Maybe' } } },
    'tls',
  ),
  badRule(
    'smarthost and direct',
    smtpRelay,
    { delivery: { ...smarthost, direct: {} } },
    'delivery needs exactly one of smarthost and direct',
  ),
  badRule(
    'neither smarthost nor direct',
    smtpRelay,
    { delivery: {} },
    'delivery needs exactly one of smarthost and direct',
  ),
  badRule(
    'two pods on embedded storage',
    smtpRelay,
    { delivery: smarthost, replicas: 2 },
    'replicas above 1 needs storage.postgres: embedded storage serves one pod',
  ),
  badRule(
    'two storages',
    smtpRelay,
    { delivery: smarthost, storage: { embedded: {}, postgres: { secretRef: { name: 'db' } } } },
    'storage takes one of embedded and postgres',
  ),
  badRule(
    'a selector without from: Selector',
    smtpRelay,
    { delivery: smarthost, allowedNamespaces: { from: 'All', selector: {} } },
    'allowedNamespaces.selector goes together with from: Selector, and only with it',
  ),

  valid('an account with nothing said', smtpAccount, {}),
  valid('an account with everything said', smtpAccount, {
    displayName: 'Production app',
    relayRef: { name: 'relay', namespace: 'mail' },
    allowedSenders: ['noreply@example.com', '*@example.com'],
    limits: { perMinute: 10, perHour: 50, perDay: 500, perMonth: 10_000, onWindowLimit: 'Reject' },
    suspended: false,
    secret: {
      name: 'mail',
      format: 'Env',
      from: 'noreply@example.com',
      keys: { MAIL_URL: '{{uri}}' },
      deletionPolicy: 'Retain',
    },
    rotation: { revision: 3, interval: '2160h', overlap: '1h30m', resetRevision: 1 },
    rolloutTargets: [{ kind: 'Deployment', name: 'app' }],
  }),
  valid('a brought password that is rotated by revision', smtpAccount, {
    passwordFrom: { name: 'mine' },
    rotation: { revision: 2 },
  }),
  badField('an overlap in days', smtpAccount, { rotation: { overlap: '3d' } }, 'overlap'),
  badField('an overlap in words', smtpAccount, { rotation: { overlap: '3 weeks' } }, 'overlap'),
  badField('a limit of zero', smtpAccount, { limits: { perDay: 0 } }, 'perDay'),
  badField('a limit as text', smtpAccount, { limits: { perDay: '500' } }, 'perDay'),
  badField('a sender without a domain', smtpAccount, { allowedSenders: ['noreply'] }, 'allowedSenders'),
  badField(
    'a sender with a line break',
    smtpAccount,
    { allowedSenders: ['a@example.com\r\nRCPT TO:<b@c.de>'] },
    'allowedSenders',
  ),
  badField(
    'a workload kind that cannot be restarted',
    smtpAccount,
    { rolloutTargets: [{ kind: 'Job', name: 'app' }] },
    'kind',
  ),
  badField('a Secret name with capitals', smtpAccount, { secret: { name: 'Mail' } }, 'name'),
  badRule(
    'an interval for a brought password',
    smtpAccount,
    { passwordFrom: { name: 'mine' }, rotation: { interval: '24h' } },
    'rotation.interval cannot be used with passwordFrom: a brought password is rotated by its owner',
  ),
  badRule(
    'a standard key redefined',
    smtpAccount,
    { secret: { keys: { password: 'x' } } },
    'secret.keys may not redefine a standard key: choose another name',
  ),

  valid('a domain', verifiedDomain, { domain: 'example.com' }),
  valid('a domain in A-labels', verifiedDomain, {
    domain: 'xn--mnchen-3ya.example',
    dkim: { keyType: 'Both', selectorPrefix: 'mg' },
    spf: 'Required',
    dmarc: 'Ignore',
    recheckInterval: '10m',
  }),
  badField('a domain in capitals', verifiedDomain, { domain: 'Example.com' }, 'domain'),
  badField('a domain in Unicode', verifiedDomain, { domain: 'münchen.example' }, 'domain'),
  badField('a domain with a trailing dot', verifiedDomain, { domain: 'example.com.' }, 'domain'),
  badField('no domain', verifiedDomain, {}, 'domain'),
  badField(
    'an unknown key type',
    verifiedDomain,
    { domain: 'example.com', dkim: { keyType: 'RSA1024' } },
    'keyType',
  ),
  badField('an unknown check level', verifiedDomain, { domain: 'example.com', spf: 'Maybe' }, 'spf'),

  valid('a known plan', planLimit, { plan: '10k' }),
  valid('figures without a plan', planLimit, {
    maxAccounts: 3,
    emails: { perDay: 100 },
    timeZone: 'Europe/Berlin',
  }),
  badField('an unknown plan', planLimit, { plan: '15k' }, 'plan'),
  badField('a negative figure', planLimit, { maxAccounts: -1 }, 'maxAccounts'),
  badField('a time zone with spaces', planLimit, { plan: '10k', timeZone: 'Middle Earth' }, 'timeZone'),
  badRule(
    'a limit that limits nothing',
    planLimit,
    {},
    'a PlanLimit needs a plan or at least one figure (maxAccounts, maxDomains, emails)',
  ),

  valid('a test message', testMessage, { accountRef: { name: 'app' }, to: 'ops@example.net' }),
  badField('a recipient without a domain', testMessage, { accountRef: { name: 'app' }, to: 'ops' }, 'to'),
  badField(
    'a subject with a line break',
    testMessage,
    { accountRef: { name: 'app' }, to: 'a@example.net', subject: 'a\r\nBcc: b@c.de' },
    'subject',
  ),
  badField('no account', testMessage, { to: 'a@example.net' }, 'accountRef'),
];

/** The row as an object for the API server. */
export function objectOf(row: ObjectRow, name: string, namespace: string): KubeObject {
  return { apiVersion: API_VERSION, kind: row.kind.kind, metadata: { name, namespace }, spec: row.spec };
}
