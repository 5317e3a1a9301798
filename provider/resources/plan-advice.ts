import { asText, warning, type Call, type Diagnostic, type ModifyPlanRequest } from '../core/index.ts';
import type { KubeObject } from '../kube/index.ts';
import type { ClusterHandle } from './cluster-handle.ts';
import { kindSchemas } from './schema.generated.ts';

/** Time for the one question; a plan does not wait for a cluster that is not there. */
const ASK_MS = 3000;
const { apiVersion, plural } = kindSchemas.plan_limit;

/** What a workspace may have, and how many this plan makes on top of what is there. */
interface Workspace {
  readonly standing: Promise<Standing | undefined>;
  planned: number;
  hasWarned: boolean;
}

interface Standing {
  readonly plan: string;
  readonly most: number;
  readonly used: number;
}

const known = new WeakMap<ClusterHandle, Map<string, Workspace>>();

/**
 * Says while planning that a workspace's plan will refuse accounts: once for each workspace, as a warning, because a
 * plan may be raised, or an account go, before apply. Silent when the cluster cannot be asked.
 */
export async function accountAdvice(
  cluster: ClusterHandle,
  { prior, planned, replace }: ModifyPlanRequest,
  { signal }: Call,
): Promise<readonly Diagnostic[]> {
  const namespace = asText(planned['namespace']);
  if (cluster.kind === 'unknown' || namespace === '') return [];
  const workspaces = known.get(cluster) ?? new Map<string, Workspace>();
  known.set(cluster, workspaces);
  const workspace = workspaces.get(namespace) ?? {
    standing: standingOf(cluster, namespace, signal),
    planned: 0,
    hasWarned: false,
  };
  workspaces.set(namespace, workspace);
  // A replacement is planned twice: as a change that needs it, and as a new object.
  if (prior !== null) {
    if (replace.length > 0 && asText(prior['namespace']) === namespace) workspace.planned -= 1;
    return [];
  }
  workspace.planned += 1;
  const standing = await workspace.standing;
  if (!standing || workspace.hasWarned) return [];
  const { most, used, plan } = standing;
  if (used + workspace.planned <= most) return [];
  workspace.hasWarned = true;
  return [tooMany(namespace, plan, most, used)];
}

async function standingOf(
  cluster: ClusterHandle & { kind: 'known' },
  namespace: string,
  cancelled: AbortSignal,
): Promise<Standing | undefined> {
  const signal = AbortSignal.any([cancelled, AbortSignal.timeout(ASK_MS)]);
  try {
    const client = await cluster.client();
    const { items } = await client.list({ apiVersion, plural, namespace }, {}, signal, { once: true });
    return items.map(standing).reduce(tightest, undefined);
  } catch {
    // Nobody to ask, or not allowed to: apply will say.
    return undefined;
  }
}

function standing({ metadata, spec, status }: KubeObject): Standing | undefined {
  const figures = (name: string) => (status?.[name] ?? {}) as { accounts?: number };
  const { accounts: most } = figures('hard');
  if (typeof most !== 'number') return undefined;
  const plan = spec?.['plan'];
  return {
    plan: typeof plan === 'string' ? plan : metadata.name,
    most,
    used: figures('used').accounts ?? 0,
  };
}

function tightest(a: Standing | undefined, b: Standing | undefined): Standing | undefined {
  if (!a || !b) return a ?? b;
  return a.most - a.used <= b.most - b.used ? a : b;
}

function tooMany(namespace: string, plan: string, most: number, used: number): Diagnostic {
  return warning(
    'The plan allows fewer accounts',
    `Plan ${plan} of namespace ${namespace} allows ${most} accounts and ${used} exist: this configuration would make more than that, and the API server will refuse those. Raise the plan (migosmtp_plan_limit), or remove accounts that are not needed.`,
  );
}
