/**
 * PlanLimit: what a workspace may have and send.
 *
 * Flow: workspace controller (one ResourceQuota, limits into the relays' shards) and plan controller (status).
 * Limits: figures and who keeps service are policy/'s, shared with the accounts; emails are counted by the relays.
 * Ready is True only when the quota counts, so that the API server itself refuses what exceeds the plan.
 */
import type { OperatorContext } from '../../context.ts';
import type { PreparedController } from '../../runtime/index.ts';
import type { UsageBoard } from '../../usage/index.ts';
import { createPlanController, type PlanParts } from './plan-controller.ts';
import { createWorkspaceController } from './workspace-controller.ts';

export { sayPlan } from './status.ts';

export function createPlanLimitControllers(
  context: OperatorContext,
  usage: UsageBoard,
): PreparedController[] {
  const foreign = new Set<string>();
  const parts: PlanParts = { context, usage, foreign, wake: () => undefined };
  return [
    createWorkspaceController({ context, foreign, onMoved: (namespace) => parts.wake(namespace) }),
    createPlanController(parts),
  ];
}
