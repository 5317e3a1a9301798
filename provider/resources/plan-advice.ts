import { asText, warning, type Call, type Diagnostic, type ModifyPlanRequest } from '../core/index.ts';
import type { KubeObject } from '../kube/index.ts';
import type { ClusterHandle } from './cluster-handle.ts';
import { kindSchemas } from './schema.generated.ts';

/** Time for the one question; a plan does not wait for a cluster that is not there. */
const ASK_MS = 3000;
const { apiVersion, plural } = kindSchemas.plan_limit;

/** What a plan counts: the names of its figures. */
type Counted = 'accounts' | 'domains';

interface Workspace {
  /** Its PlanLimits; none where nobody can be asked. */
  readonly limits: Promise<readonly KubeObject[]>;
  readonly tallies: Readonly<Record<Counted, Tally>>;
}

/** How many this run makes on top of what is there. */
interface Tally {
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
 * Says while planning that a workspace's plan will refuse objects of a kind: once for each workspace, as a warning,
 * because a plan may be raised, or an object go, before apply. Silent when the cluster cannot be asked.
 */
export function countAdvice(counted: Counted) {
  return async (
    cluster: ClusterHandle,
    { prior, planned, replace }: ModifyPlanRequest,
    call: Call,
  ): Promise<readonly Diagnostic[]> => {
    const namespace = asText(planned['namespace']);
    if (cluster.kind === 'unknown' || namespace === '') return [];
    const { limits, tallies } = workspaceOf(cluster, namespace, call);
    const tally = tallies[counted];
    // A replacement is planned twice: as a change that needs it, and as a new object.
    if (prior !== null) {
      if (replace.length > 0 && asText(prior['namespace']) === namespace) tally.planned -= 1;
      return [];
    }
    tally.planned += 1;
    const standing = (await limits).map((limit) => standingOf(limit, counted)).reduce(tightest, undefined);
    if (!standing || tally.hasWarned || standing.used + tally.planned <= standing.most) return [];
    tally.hasWarned = true;
    return [tooMany(namespace, counted, standing)];
  };
}

function workspaceOf(cluster: ClusterHandle & { kind: 'known' }, namespace: string, call: Call): Workspace {
  const workspaces = known.get(cluster) ?? new Map<string, Workspace>();
  known.set(cluster, workspaces);
  const workspace = workspaces.get(namespace) ?? {
    limits: limitsOf(cluster, namespace, call),
    tallies: { accounts: { planned: 0, hasWarned: false }, domains: { planned: 0, hasWarned: false } },
  };
  workspaces.set(namespace, workspace);
  return workspace;
}

async function limitsOf(
  cluster: ClusterHandle & { kind: 'known' },
  namespace: string,
  call: Call,
): Promise<readonly KubeObject[]> {
  const signal = AbortSignal.any([call.signal, AbortSignal.timeout(ASK_MS)]);
  try {
    const client = await cluster.client();
    return (await client.list({ apiVersion, plural, namespace }, {}, signal, { once: true })).items;
  } catch {
    // Nobody to ask, or not allowed to: apply will say.
    return [];
  }
}

function standingOf({ metadata, spec, status }: KubeObject, counted: Counted): Standing | undefined {
  const figure = (name: string) => ((status?.[name] ?? {}) as Partial<Record<Counted, number>>)[counted];
  const most = figure('hard');
  if (typeof most !== 'number') return undefined;
  const plan = spec?.['plan'];
  return { plan: typeof plan === 'string' ? plan : metadata.name, most, used: figure('used') ?? 0 };
}

function tightest(a: Standing | undefined, b: Standing | undefined): Standing | undefined {
  if (!a || !b) return a ?? b;
  return a.most - a.used <= b.most - b.used ? a : b;
}

function tooMany(namespace: string, counted: Counted, { plan, most, used }: Standing): Diagnostic {
  return warning(
    `The plan allows fewer ${counted}`,
    `Plan ${plan} of namespace ${namespace} allows ${most} ${counted} and ${used} exist: this configuration would make more than that, and the API server will refuse those. Raise the plan (migosmtp_plan_limit), or remove ${counted} that are not needed.`,
  );
}
