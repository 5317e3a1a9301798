import {
  asText,
  attribute,
  warning,
  type Call,
  type Diagnostic,
  type ModifyPlanRequest,
} from '../core/index.ts';
import type { KubeObject } from '../kube/index.ts';
import type { ClusterHandle } from './cluster-handle.ts';
import { defaultPlanOf, type RelayName } from './default-plan.ts';
import { kindSchemas, planAccounts } from './schema.generated.ts';

/** Time for the questions; a plan does not wait for a cluster that is not there. */
const ASK_MS = 3000;
const { apiVersion, plural } = kindSchemas.plan_limit;

/** What a plan counts: the names of its figures. */
type Counted = 'accounts' | 'domains';

interface Workspace {
  /** What its PlanLimits, or the default plan of its relay, allow; none where nobody can be asked. Asked for by the first new object. */
  standings: Promise<Readonly<Record<Counted, readonly Standing[]>>> | undefined;
  readonly tallies: Readonly<Record<Counted, Tally>>;
}

/** How many this run makes on top of what is there. */
interface Tally {
  planned: number;
  hasWarned: boolean;
}

interface Standing {
  readonly plan: string;
  /** The relay whose default plan it is; a PlanLimit names none. */
  readonly relay?: string;
  readonly most: number;
  readonly used: number;
}

const known = new WeakMap<ClusterHandle, Map<string, Workspace>>();

/**
 * Says while planning that a workspace's plan will refuse objects of a kind, or leave them without a login: once for each
 * workspace, as a warning, because a plan may be raised, or an object go, before apply. Silent when the cluster cannot be
 * asked.
 */
export function countAdvice(counted: Counted) {
  return async (
    cluster: ClusterHandle,
    { prior, planned, replace }: ModifyPlanRequest,
    call: Call,
  ): Promise<readonly Diagnostic[]> => {
    const namespace = asText(planned['namespace']);
    if (cluster.kind === 'unknown' || namespace === '') return [];
    const workspace = workspaceOf(cluster, namespace);
    const tally = workspace.tallies[counted];
    // A replacement is planned twice: as a change that needs it, and as a new object.
    if (prior !== null) {
      if (replace.length > 0 && asText(prior['namespace']) === namespace) tally.planned -= 1;
      return [];
    }
    tally.planned += 1;
    workspace.standings ??= standingsOf(cluster, { namespace, relay: relayRef(planned) }, call);
    const standing = (await workspace.standings)[counted].reduce<Standing | undefined>(tightest, undefined);
    if (!standing || tally.hasWarned || standing.used + tally.planned <= standing.most) return [];
    tally.hasWarned = true;
    return [tooMany(namespace, counted, standing)];
  };
}

interface Question {
  readonly namespace: string;
  readonly relay: RelayName | undefined;
}

type KnownCluster = ClusterHandle & { kind: 'known' };

function relayRef(planned: ModifyPlanRequest['planned']): RelayName | undefined {
  const name = asText(attribute(planned['relay_ref'], 'name'));
  const namespace = asText(attribute(planned['relay_ref'], 'namespace')) || asText(planned['namespace']);
  return name === '' ? undefined : { namespace, name };
}

function workspaceOf(cluster: KnownCluster, namespace: string): Workspace {
  const workspaces = known.get(cluster) ?? new Map<string, Workspace>();
  known.set(cluster, workspaces);
  const workspace = workspaces.get(namespace) ?? {
    standings: undefined,
    tallies: { accounts: { planned: 0, hasWarned: false }, domains: { planned: 0, hasWarned: false } },
  };
  workspaces.set(namespace, workspace);
  return workspace;
}

async function standingsOf(
  cluster: KnownCluster,
  { namespace, relay }: Question,
  call: Call,
): Promise<Readonly<Record<Counted, readonly Standing[]>>> {
  const signal = AbortSignal.any([call.signal, AbortSignal.timeout(ASK_MS)]);
  try {
    const client = await cluster.client();
    const limits = (await client.list({ apiVersion, plural, namespace }, {}, signal, { once: true })).items;
    if (limits.length > 0) return { accounts: told(limits, 'accounts'), domains: told(limits, 'domains') };
    const found = await defaultPlanOf(client, namespace, relay, signal);
    const most = planAccounts[found?.plan ?? ''];
    return { accounts: found && most !== undefined ? [{ ...found, most }] : [], domains: [] };
  } catch {
    // Nobody to ask, or not allowed to: apply will say.
    return { accounts: [], domains: [] };
  }
}

function told(limits: readonly KubeObject[], counted: Counted): Standing[] {
  return limits.map((limit) => standingOf(limit, counted)).filter((standing) => standing !== undefined);
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

function tooMany(namespace: string, counted: Counted, { plan, relay, most, used }: Standing): Diagnostic {
  const beyond = `allows ${most} ${counted} and ${used} exist: this configuration would make more than that`;
  const detail =
    relay === undefined
      ? `Plan ${plan} of namespace ${namespace} ${beyond}, and the API server will refuse those. Raise the plan (migosmtp_plan_limit), or remove ${counted} that are not needed.`
      : `Plan ${plan}, the default of relay ${relay} for namespace ${namespace}, ${beyond}, and those get no login. Give the namespace a larger plan (migosmtp_plan_limit), or remove ${counted} that are not needed.`;
  return warning(`The plan allows fewer ${counted}`, detail);
}
