import {
  durationMs,
  error,
  warning,
  attribute,
  type Call,
  type Diagnostic,
  type Outcome,
  type ValueObject,
} from '../core/index.ts';
import type { KubeClient, KubeObject, ResourcePath } from '../kube/index.ts';
import type { ClusterHandle } from './cluster-handle.ts';
import { explain, standing } from './explain.ts';
import type { KindSchema } from './kind-schema.ts';

/** One operation on one object: its names, its client, its deadline. */
export interface Session {
  readonly client: KubeClient;
  readonly path: ResourcePath;
  readonly title: string;
  readonly call: Call;
  /** Aborted by cancellation and by the operation's timeout. */
  readonly signal: AbortSignal;
  readonly timeout: { readonly text: string; readonly signal: AbortSignal };
}

interface SessionRequest {
  readonly cluster: ClusterHandle;
  readonly schema: KindSchema;
  readonly value: ValueObject;
  readonly call: Call;
  readonly action: string;
  readonly timeout: string;
}

/**
 * Runs an operation with a client and a deadline. Failures of calls come back as diagnostics; anything else is
 * a bug and goes up.
 */
export async function withSession(
  request: SessionRequest,
  operation: (session: Session) => Promise<Outcome>,
): Promise<Outcome> {
  const { cluster, schema, value, call, action, timeout } = request;
  const { name, namespace } = value as { name: string; namespace: string };
  const title = `${schema.kind} ${namespace}/${name}`;
  if (cluster.kind === 'unknown') return { diagnostics: [unknownCluster(cluster.attributes, action, title)] };
  const deadline = AbortSignal.timeout(durationMs(timeout) ?? 0);
  const signal = AbortSignal.any([call.signal, deadline]);
  const { apiVersion, plural } = schema;
  try {
    const client = await cluster.client();
    const path = { apiVersion, plural, namespace, name };
    return await operation({
      client,
      path,
      title,
      call,
      signal,
      timeout: { text: timeout, signal: deadline },
    });
  } catch (cause) {
    if (call.signal.aborted) return { diagnostics: [cancelled(title)] };
    if (deadline.aborted) return { diagnostics: [tooLong(title, action, timeout, '')] };
    const found = explain(cause, action, title);
    if (found === undefined) throw cause;
    return { diagnostics: [found] };
  }
}

export function timeoutOf(value: ValueObject, operation: string, fallback: string): string {
  const stated = attribute(attribute(value, 'timeouts'), operation);
  return typeof stated === 'string' ? stated : fallback;
}

export function cancelled(title: string): Diagnostic {
  return error(
    'Cancelled',
    `${title}: stopped on request. What was sent to the cluster stays; run again to go on.`,
  );
}

/** Why a wait ended without success, with everything that the cluster says about it. */
export async function unfinished(
  session: Session,
  object: KubeObject | undefined,
  isNew: boolean,
): Promise<Diagnostic> {
  const { call, title, timeout } = session;
  if (call.signal.aborted) return cancelled(title);
  const advice = isNew
    ? 'The object exists and Terraform marks it as tainted: the next apply would replace it. Mend the cause and run `terraform untaint`, or let it be replaced.'
    : 'The change is stored. Mend the cause and run again, or raise the timeout (timeouts).';
  return tooLong(
    title,
    'get ready',
    timeout.text,
    `${standing(object, await events(session, object))}\n${advice}`,
  );
}

function tooLong(title: string, action: string, timeout: string, rest: string): Diagnostic {
  const detail = `${title} did not ${action} within ${timeout}.${rest && `\n${rest}`}`;
  return error('Timeout', detail);
}

const EVENTS_TIMEOUT_MS = 3000;
const SHOWN_EVENTS = 5;

/** The last events about an object; none where they cannot be read, as they are only an extra. */
export async function events({ client, path }: Session, object: KubeObject | undefined): Promise<string[]> {
  const uid = object?.metadata.uid;
  if (uid === undefined || path.namespace === undefined) return [];
  const query = { fieldSelector: `involvedObject.uid=${uid}`, limit: '50' };
  const where = { apiVersion: 'v1', plural: 'events', namespace: path.namespace };
  try {
    const { items } = await client.list(where, query, AbortSignal.timeout(EVENTS_TIMEOUT_MS));
    return items.slice(-SHOWN_EVENTS).map((item) => {
      const { type = '', reason = '', message = '' } = item as unknown as Record<string, string>;
      return `${type} ${reason}: ${message}`;
    });
  } catch {
    return [];
  }
}

export function unknownCluster(attributes: readonly string[], action: string, title: string): Diagnostic {
  const names = attributes.join(', ');
  return error(
    'Cluster is not known yet',
    `Cannot ${action} ${title}: ${names} of the provider block will be known only after apply. Create the cluster first (terraform apply -target), or keep it in a configuration of its own.`,
  );
}

/** During plan a refresh without a cluster keeps what the state says. */
export function notRefreshed(attributes: readonly string[], title: string): Diagnostic {
  return warning(
    'State is not refreshed',
    `${title} is taken as the state has it: ${attributes.join(', ')} of the provider block will be known only after apply.`,
  );
}
