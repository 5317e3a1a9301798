import { asText, type Attributes, type Call, type Diagnostic, type ValueObject } from '../core/index.ts';
import type { KubeObject } from '../kube/index.ts';
import type { ClusterHandle } from './cluster-handle.ts';
import { NAMESPACE_CHECK } from './common.ts';
import { explain } from './explain.ts';
import type { KindSchema } from './kind-schema.ts';
import { cancelled, unknownCluster } from './session.ts';

const PAGE = 500;
const TIMEOUT_MS = 120_000;

/** Arguments of every query for objects of a kind. */
export const queryAttributes: Attributes = {
  namespace: {
    type: 'string',
    optional: true,
    check: NAMESPACE_CHECK,
    description: 'Namespace (workspace) to look in. Default: all that the identity may list.',
  },
  label_selector: {
    type: 'string',
    optional: true,
    description: 'Only objects with these labels, as kubectl takes it: `team=shop,tier!=test`.',
  },
};

/** Objects of a kind, page by page; a failure is the last thing that comes. */
export async function* listObjects(
  cluster: ClusterHandle,
  kind: KindSchema,
  config: ValueObject,
  call: Call,
): AsyncGenerator<{ object: KubeObject } | { diagnostics: Diagnostic[] }> {
  const namespace = asText(config['namespace']);
  const title = `${kind.kind} in ${namespace === '' ? 'all namespaces' : `namespace ${namespace}`}`;
  if (cluster.kind === 'unknown') {
    yield { diagnostics: [unknownCluster(cluster.attributes, 'list', title)] };
    return;
  }
  const signal = AbortSignal.any([call.signal, AbortSignal.timeout(TIMEOUT_MS)]);
  const where = {
    apiVersion: kind.apiVersion,
    plural: kind.plural,
    ...(namespace !== '' && { namespace }),
  };
  const labelSelector = asText(config['label_selector']);
  const query = { limit: String(PAGE), ...(labelSelector !== '' && { labelSelector }) };
  try {
    const client = await cluster.client();
    for (let next: string | undefined = ''; next !== undefined;) {
      const page = await client.list(where, next === '' ? query : { ...query, continue: next }, signal);
      for (const object of page.items) yield { object };
      next = page.metadata?.continue || undefined;
    }
  } catch (cause) {
    if (call.signal.aborted) yield { diagnostics: [cancelled(title)] };
    else {
      const found = explain(cause, 'list', title);
      if (found === undefined) throw cause;
      yield { diagnostics: [found] };
    }
  }
}
