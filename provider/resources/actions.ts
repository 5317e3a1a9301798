import {
  asText,
  error,
  hasError,
  object,
  type Action,
  type Attributes,
  type Call,
  type Diagnostic,
  type Outcome,
  type ValueObject,
} from '../core/index.ts';
import { ApiError, type Json, type KubeObject } from '../kube/index.ts';
import { awaitObject } from './await-object.ts';
import type { ClusterHandle } from './cluster-handle.ts';
import { address, DEFAULT_NAMESPACE, timeout as timeoutAttribute } from './common.ts';
import { isDeclared } from './from-object.ts';
import { smtpAccount } from './kinds.ts';
import { kindSchemas } from './schema.generated.ts';
import { withSession, type Session } from './session.ts';

const DEFAULT_TIMEOUT = '5m';
const WRITE_ATTEMPTS = 10;
const account = kindSchemas.smtp_account;

/** The two ways to a new password, and the field of `spec.rotation` whose rise asks for it. */
const TRIGGERS = {
  rotate_password: {
    field: 'revision',
    answer: 'rotation',
    attribute: 'rotation.revision',
    description:
      'Gives an SmtpAccount a new password. The old one works on through the overlap, then it is retired.',
  },
  reset_password: {
    field: 'resetRevision',
    answer: 'reset',
    attribute: 'rotation.reset_revision',
    description:
      'Gives an SmtpAccount a new password at once, for one that leaked: all old ones die, their sessions are closed.',
  },
} as const;
type Trigger = (typeof TRIGGERS)[keyof typeof TRIGGERS];

export const rotatePassword = triggerAction(TRIGGERS.rotate_password);
export const resetPassword = triggerAction(TRIGGERS.reset_password);

function triggerAction(trigger: Trigger): Action<ClusterHandle> {
  return {
    schema: { version: 0, description: trigger.description, attributes: accountAttributes() },
    plan: (cluster, config, call) => lookAhead(cluster, trigger, config, call),
    async *invoke(cluster, config, call) {
      yield `asking for a new password of ${titleOf(config)}`;
      let revision: number | undefined;
      const run = (session: Session) => raise(session, trigger, (found) => (revision = found));
      const outcome = await onAccount(cluster, config, call, run);
      const diagnostics = outcome.diagnostics ?? [];
      if (!hasError(diagnostics)) yield `${titleOf(config)} has password revision ${revision ?? '?'}`;
      yield diagnostics;
    },
  };
}

function accountAttributes(): Attributes {
  const { name, namespace } = address(account.kind);
  return {
    name: {
      type: 'string',
      required: true,
      ...(name?.check && { check: name.check }),
      description: 'Name of the SmtpAccount.',
    },
    namespace: {
      type: 'string',
      optional: true,
      ...(namespace?.check && { check: namespace.check }),
      description: `Its namespace. Default: \`${DEFAULT_NAMESPACE}\`.`,
    },
    timeout: timeoutAttribute('the action', DEFAULT_TIMEOUT),
  };
}

/** A plan says already what would stop the action, as far as the cluster can be asked now. */
async function lookAhead(
  cluster: ClusterHandle,
  trigger: Trigger,
  config: ValueObject,
  call: Call,
): Promise<readonly Diagnostic[]> {
  if (cluster.kind === 'unknown' || typeof config['name'] !== 'string') return [];
  const { diagnostics = [] } = await onAccount(cluster, config, call, async ({ client, path, signal }) => {
    const found = await client.get(path, signal);
    const problem = found && declaredElsewhere(found, trigger, titleOf(config));
    return problem ? { diagnostics: [problem] } : {};
  });
  return diagnostics;
}

/** Raises the trigger by one and waits until status answers it. */
async function raise(
  session: Session,
  trigger: Trigger,
  tell: (revision: number | undefined) => void,
): Promise<Outcome> {
  const raised = await write(session, trigger);
  if ('severity' in raised) return { diagnostics: [raised] };
  const { start, wanted } = raised;
  const declared = object([['rotation', object([[snake(trigger.field), wanted]])]]);
  const wait = { ...smtpAccount, start, declared, isNew: false };
  const { last, problem } = await awaitObject(session, wait);
  tell(((last?.status?.['credentials'] ?? {}) as { revision?: number }).revision);
  return problem ? { diagnostics: [problem] } : {};
}

/**
 * The resource version makes of two at once one that is refused, so that neither is lost unseen; status moves it
 * as well, so that a refusal is looked at again.
 */
async function write(
  { client, path, signal, title }: Session,
  trigger: Trigger,
): Promise<{ start: KubeObject; wanted: number } | Diagnostic> {
  for (let attempt = 1; ; attempt += 1) {
    const found = await client.get(path, signal);
    if (found === undefined) return missing(title);
    const problem = declaredElsewhere(found, trigger, title);
    if (problem) return problem;
    const wanted = 1 + Math.max(stated(found, trigger), answered(found, trigger));
    const { resourceVersion } = found.metadata;
    const patch = { metadata: { resourceVersion }, spec: { rotation: { [trigger.field]: wanted } } };
    try {
      return { start: await client.merge(path, patch, signal), wanted };
    } catch (cause) {
      const isConflict = cause instanceof ApiError && cause.status === 409;
      if (!isConflict || attempt === WRITE_ATTEMPTS) throw cause;
    }
  }
}

function stated({ spec }: KubeObject, { field }: Trigger): number {
  return Number(((spec?.['rotation'] ?? {}) as Json)[field] ?? 0);
}

function answered({ status }: KubeObject, { answer }: Trigger): number {
  const credentials = (status?.['credentials'] ?? {}) as { answered?: Json };
  return Number(credentials.answered?.[answer] ?? 0);
}

function snake(field: Trigger['field']): string {
  return field === 'revision' ? 'revision' : 'reset_revision';
}

/** What a configuration states it would set back: there the rise belongs into the configuration. */
function declaredElsewhere(found: KubeObject, trigger: Trigger, title: string): Diagnostic | undefined {
  if (!isDeclared(found, ['spec', 'rotation', trigger.field])) return undefined;
  return error(
    'The revision is declared in a configuration',
    `${title}: ${trigger.attribute} is managed by a migosmtp_smtp_account resource, which would set it back. Raise it there instead, or remove it there and use this action.`,
  );
}

function onAccount(
  cluster: ClusterHandle,
  config: ValueObject,
  call: Call,
  operation: (session: Session) => Promise<Outcome>,
): Promise<Outcome> {
  const value = { ...config, namespace: config['namespace'] ?? DEFAULT_NAMESPACE };
  const timeout = asText(config['timeout']) || DEFAULT_TIMEOUT;
  return withSession({ cluster, schema: account, value, call, action: 'change', timeout }, operation);
}

function titleOf({ name, namespace }: ValueObject): string {
  return `${account.kind} ${asText(namespace) || DEFAULT_NAMESPACE}/${asText(name)}`;
}

function missing(title: string): Diagnostic {
  return error('Account does not exist', `${title} does not exist. Check name and namespace.`);
}
