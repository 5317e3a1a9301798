/** Why a run stopped, or was warned. `Kind` decides about trying again, as it does everywhere in docs/errors.md. */
export type Kind = 'Invalid' | 'Conflict' | 'Temporary' | 'Permanent' | 'Unknown' | 'Bug' | 'Warning';

interface Row {
  readonly kind: Kind;
  readonly happened: string;
  readonly advice: string;
}

/**
 * Every diagnostic of the provider by its summary, as Terraform prints it behind `Error:` or `Warning:`; `…` stands for what
 * differs from case to case. The detail of each names the object and the next step.
 */
export const DIAGNOSTICS: Readonly<Record<'configuration' | 'cluster' | 'object' | 'process', Rows>> = {
  configuration: {
    'Invalid value': row(
      'Invalid',
      'An attribute breaks a rule; the allowed values are told.',
      'Mend the line named.',
    ),
    'Invalid combination of attributes': row(
      'Invalid',
      'Attributes exclude or need each other.',
      'Mend the block named.',
    ),
    '… is deprecated': row('Warning', 'The attribute will go.', 'Do as the detail says.'),
    'Write-only attributes need Terraform 1.11': row(
      'Invalid',
      'An older Terraform would store what is only to be sent.',
      'Use Terraform 1.11 or later, or leave the attribute out.',
    ),
    'Password is missing': row(
      'Invalid',
      '`password_wo_version` was raised without a password.',
      'State `password_wo` with it.',
    ),
    'Import id is not understood': row('Invalid', 'The id is no `namespace/name`.', 'Give both names.'),
    'Import is not supported': row('Invalid', 'The resource has nothing to import.', 'Declare it anew.'),
    'Move is not supported': row(
      'Invalid',
      'A `moved` block leads from a resource of another type.',
      'Use `removed` for the old address and `import` for the new one.',
    ),
    'The revision is declared in a configuration': row(
      'Conflict',
      'An action would raise what a resource states, and the next apply set it back.',
      'Raise it in the resource.',
    ),
  },
  cluster: {
    'Provider configuration does not work': row(
      'Invalid',
      'No cluster follows from the provider block, kubeconfig and environment; or a file, context or plugin of it is wrong.',
      'Mend the attribute named.',
    ),
    'No cluster is found yet': row(
      'Warning',
      'While planning: the kubeconfig is not there, or no cluster is named at all.',
      'Nothing, where the same apply makes it; else mend the attribute named.',
    ),
    'Provider is not configured': row(
      'Invalid',
      'The provider block was refused before.',
      'Mend the error above it.',
    ),
    'Cluster is not known yet': row(
      'Invalid',
      'The provider block refers to what only apply will know.',
      'Create the cluster first (`-target`), or in a configuration of its own.',
    ),
    'State is not refreshed': row(
      'Warning',
      'The same while planning: the state is taken as it is.',
      'None; the apply after the cluster is there reads again.',
    ),
    'Cluster cannot be reached': row(
      'Temporary',
      'No connection to the address told, or its certificate is not trusted.',
      'Check `host` or `config_path` and `config_context`, and that the cluster is up.',
    ),
    'Credentials are not accepted': row('Invalid', '401.', 'Renew token, certificate or exec plugin.'),
    'Not allowed to …': row('Permanent', '403: RBAC.', 'Give the identity the right that is named.'),
    'The plan allows no more': row(
      'Permanent',
      '403 of the workspace’s quota.',
      'Raise the plan (`migosmtp_plan_limit`), or remove an object.',
    ),
    'The plan allows fewer …': row(
      'Warning',
      'While planning: the workspace’s plan will refuse some of what is to be made, or the default plan of its relay leave it without a login.',
      'Raise the plan, or remove an object, before apply.',
    ),
    'Kind or namespace is not in the cluster': row(
      'Invalid',
      '404.',
      'Install the MigoSMTP chart (its CRDs); create the namespace first.',
    ),
    'Fields belong to another manager': row(
      'Conflict',
      '409: another tool owns fields that are stated here; they are listed.',
      'Remove them here, or set `force_conflicts = true`.',
    ),
    'The object changed meanwhile': row('Conflict', '409.', 'Run again.'),
    'The API server refuses the values': row(
      'Invalid',
      '400 or 422; the API server’s own words.',
      'Mend the attribute named.',
    ),
    'The API server is overloaded': row(
      'Temporary',
      '429, also after several attempts.',
      'Run again later, or with `-parallelism=2`.',
    ),
    'The API server failed (…)': row(
      'Temporary',
      'Another status, also after several attempts.',
      'See the API server’s log; run again.',
    ),
  },
  object: {
    'Object exists already': row(
      'Conflict',
      'It is in the cluster and not in this state; so after a run that was killed.',
      'Import it, or choose another name.',
    ),
    'Secret exists already': row(
      'Conflict',
      'The Secret where `password_wo` would go is somebody else’s.',
      'Remove it, or use another `password_wo_version`.',
    ),
    'Object not found': row(
      'Invalid',
      'A data source names what does not exist.',
      'Check name and namespace.',
    ),
    'Account does not exist': row(
      'Invalid',
      'An action or ephemeral resource names it.',
      'Check the names; set `uid` so that the account is made first.',
    ),
    'Account is another one': row(
      'Conflict',
      'It was deleted and created again.',
      'Run `terraform refresh`.',
    ),
    'Credentials are not there': row(
      'Temporary',
      'The account is Ready, its Secret was removed.',
      'The operator makes it again; run again.',
    ),
    'Domain is not declared': row(
      'Invalid',
      '`migosmtp_domain_verification` names a domain that is not there.',
      'Refer to the name of a `migosmtp_verified_domain`.',
    ),
    'Object is gone': row('Conflict', 'It was deleted or replaced after the plan.', 'Run again.'),
    'Object is another one': row(
      'Warning',
      'On destroy: somebody made it again. It was left alone.',
      'None, unless it should go as well.',
    ),
    'The object cannot get ready': row(
      'Permanent',
      'The operator says that waiting does not help; its reason is told ([conditions](../../reference/conditions.md)).',
      'Mend the cause; run again.',
    ),
    Timeout: row(
      'Unknown',
      'The time of `timeouts` is over; conditions and events are told.',
      'Mend the cause, or allow more time. A new object is tainted: `terraform untaint` keeps it.',
    ),
    Cancelled: row('Unknown', 'Ctrl-C. What was sent stays.', 'Run again to go on.'),
  },
  process: {
    'State is of a later provider': row(
      'Invalid',
      'A later release wrote it.',
      'Use that release or a later one.',
    ),
    'Identity is of a later provider': row('Invalid', 'The same.', 'Use that release or a later one.'),
    'Terraform and provider disagree': row('Bug', 'A value cannot be read.', 'Report it.'),
    'Bug in the provider': row(
      'Bug',
      'Told with places in the code, never with values.',
      'Report it with these lines.',
    ),
  },
};

type Rows = Readonly<Record<string, Row>>;

function row(kind: Kind, happened: string, advice: string): Row {
  return { kind, happened, advice };
}
