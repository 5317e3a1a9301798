/** How status becomes computed attributes: their names, and what keeps their values known in a plan. */

/** Status fields that are named otherwise in Terraform: shorter, or apart from an argument of that name. */
export const OUTPUT_NAMES: Record<string, string> = {
  'SmtpRelay.replicas': 'current_replicas',
  'SmtpAccount.relayRef': 'relay',
  'VerifiedDomain.relayRef': 'relay',
  'VerifiedDomain.domain': 'observed_domain',
};

/** Single values out of status objects, for those who refer to them. */
export const OUTPUT_SHORTCUTS: Record<string, { path: string[]; name: string; description: string }[]> = {
  SmtpAccount: [
    { path: ['binding', 'name'], name: 'secret_name', description: 'Name of the Secret that apps mount.' },
    {
      path: ['ports', 'starttls'],
      name: 'port',
      description: 'Port that begins in clear and takes STARTTLS.',
    },
    { path: ['ports', 'tls'], name: 'tls_port', description: 'Port with TLS from the first byte.' },
    {
      path: ['credentials', 'revision'],
      name: 'credentials_revision',
      description:
        'Counts the passwords of this account; drives `*_wo_version` arguments of other resources.',
    },
  ],
};

/** Status objects that their shortcuts replace. */
export const LEFT_OUT = new Set(['SmtpAccount.binding', 'SmtpAccount.ports', 'VerifiedDomain.dnsRecords']);

/**
 * What keeps a computed value known in a plan: none means for life, otherwise the arguments whose change may
 * change it, or members of them. Those not listed are unknown whenever anything changes.
 */
export const CHANGES_WITH: Record<string, readonly string[]> = {
  'SmtpRelay.address': ['hostname', 'service'],
  'SmtpRelay.current_replicas': ['replicas'],
  'SmtpRelay.selector': [],
  'SmtpRelay.ca_bundle': ['hostname', 'tls', 'service'],
  'SmtpAccount.username': [],
  'SmtpAccount.host': ['relay_ref'],
  'SmtpAccount.port': ['relay_ref'],
  'SmtpAccount.tls_port': ['relay_ref'],
  'SmtpAccount.relay': ['relay_ref'],
  'SmtpAccount.secret_name': ['secret.name'],
  // password_wo_version is an argument of the provider's own: it changes what passwordFrom names.
  'SmtpAccount.credentials_revision': [
    'relay_ref',
    'rotation.revision',
    'rotation.reset_revision',
    'rotation.interval',
    'password_from',
    'password_wo_version',
  ],
  'SmtpAccount.usage': [],
  'VerifiedDomain.observed_domain': [],
  'VerifiedDomain.relay': ['relay_ref'],
  'VerifiedDomain.verified_at': [],
  'PlanLimit.hard': ['plan', 'max_accounts', 'max_domains', 'emails'],
};

/** What may bring a value where there is none yet: an account that was born suspended gets its login when it is resumed. */
export const APPEARS_WITH: Record<string, readonly string[]> = {
  'SmtpAccount.username': ['suspended'],
  'SmtpAccount.secret_name': ['suspended'],
  'SmtpAccount.credentials_revision': ['suspended'],
};

/** CHANGES_WITH of the DNS records, by their place in status; `all` is the list of them. Whether a record is checked is not in it. */
export const RECORDS_CHANGE_WITH: Record<string, readonly string[]> = {
  ownership: ['relay_ref'],
  spf: ['relay_ref'],
  dkim: ['relay_ref', 'dkim'],
  dkimEd25519: ['relay_ref', 'dkim'],
  dkimNext: ['relay_ref', 'dkim'],
  dmarc: [],
  returnPath: ['relay_ref'],
  returnPathSpf: ['relay_ref'],
  all: ['relay_ref', 'dkim'],
};
