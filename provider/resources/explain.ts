import { at, error, type Diagnostic, type Path } from '../core/index.ts';
import { ApiError, conditionsOf, ConnectionError, SettingsError, type KubeObject } from '../kube/index.ts';
import { snakeCase } from './names.ts';

/** `SmtpAccount shop/billing` */
export function objectTitle(kind: string, namespace: string, name: string): string {
  return `${kind} ${namespace}/${name}`;
}

/**
 * What went wrong with a call, as one diagnostic: the API server's own words, and what to do. Undefined for what
 * is no failure of a call but a bug.
 */
export function explain(cause: unknown, action: string, title: string): Diagnostic | undefined {
  if (cause instanceof SettingsError) {
    const path = cause.attribute === undefined ? '' : ` (${cause.attribute})`;
    return error('Provider configuration does not work', `${cause.message}${path}`);
  }
  if (cause instanceof ConnectionError) {
    const advice =
      'Check host or config_path and config_context of the provider block, and that the cluster is up.';
    return error('Cluster cannot be reached', `${title}: ${cause.server}: ${cause.message}. ${advice}`);
  }
  if (cause instanceof ApiError) return refusal(cause, action, title);
  return undefined;
}

function refusal(cause: ApiError, action: string, title: string): Diagnostic {
  const words = `${title}: the API server says: ${cause.message}`;
  switch (cause.status) {
    case 401:
      return error(
        'Credentials are not accepted',
        `${words}. Renew token, certificate or exec plugin of the provider block.`,
      );
    case 403:
      return forbidden(cause, action, words);
    case 404:
      return error(
        'Kind or namespace is not in the cluster',
        `${words}. Install the MigoSMTP chart (its CRDs), and create the namespace first.`,
      );
    case 409:
      return conflict(cause, words);
    case 422:
    case 400:
      return error('The API server refuses the values', `${words}.`, fieldPath(cause));
    case 429:
      return error(
        'The API server is overloaded',
        `${words}. It stayed so over several attempts; run again later, or with -parallelism=2.`,
      );
    default:
      return error(
        `The API server failed (${cause.status})`,
        `${words}. It stayed so over several attempts; see the API server's log, then run again.`,
      );
  }
}

function forbidden(cause: ApiError, action: string, words: string): Diagnostic {
  if (/exceeded quota|quota/i.test(cause.message)) {
    return error(
      'The plan allows no more',
      `${words}. Raise the plan (migosmtp_plan_limit), or remove an object that is not needed.`,
    );
  }
  return error(
    `Not allowed to ${action}`,
    `${words}. Give the identity of the provider block that right in RBAC.`,
  );
}

function conflict(cause: ApiError, words: string): Diagnostic {
  const managers = cause.causes.filter(({ reason }) => reason === 'FieldManagerConflict');
  if (managers.length === 0) return error('The object changed meanwhile', `${words}. Run again.`);
  const fields = managers.map(({ field, message }) => `  ${field ?? '?'}: ${message ?? ''}`).join('\n');
  const advice =
    'Leave these fields to their manager by removing them here, or set force_conflicts = true to take them over.';
  return error('Fields belong to another manager', `${words}\n${fields}\n${advice}`, fieldPath(cause));
}

/** The attribute that a field of the API stands for: `spec.limits.perDay` is limits.per_day. */
function fieldPath(cause: ApiError): Path | undefined {
  const field = cause.causes[0]?.field?.replace(/^\./, '').split(/[.[]/) ?? [];
  if (field[0] === 'spec' && field[1]) return at(...field.slice(1).map(snakeCase));
  return field[0] === 'metadata' && field[1] ? at(field[1]) : undefined;
}

/** Where an object stands: its conditions, and what was reported about it. */
export function standing(object: KubeObject | undefined, events: readonly string[]): string {
  if (object === undefined) return 'The object is gone.';
  const conditions = conditionsOf(object).map(
    ({ type, status, reason = '', message = '' }) =>
      `  ${type}=${status} ${reason}${message && `: ${message}`}`,
  );
  const { generation } = object.metadata;
  const observed = object.status?.['observedGeneration'];
  return [
    `Generation ${generation ?? '?'}, observed ${typeof observed === 'number' ? observed : 'none'}.`,
    conditions.length > 0
      ? `Conditions:\n${conditions.join('\n')}`
      : 'It has no conditions: is the operator running?',
    ...(events.length > 0 ? [`Events:\n${events.map((line) => `  ${line}`).join('\n')}`] : []),
  ].join('\n');
}
