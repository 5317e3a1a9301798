/**
 * The kinds that the operator reconciles, each in its folder: observe, decide, apply.
 *
 * Flow: main.ts asks for the controllers, connects their watches, and starts them once this process leads.
 * Limits: kinds share caches, policy/ and projection/, and never import one another.
 */
import type { OperatorContext } from '../context.ts';
import type { PreparedController } from '../runtime/index.ts';
import { UsageBoard } from '../usage/index.ts';
import { createPlanLimitControllers } from './plan-limit/index.ts';
import { createAccountController } from './smtp-account/index.ts';
import { createRelayController } from './smtp-relay/index.ts';
import { createTestMessageController } from './test-message/index.ts';
import { createVerifiedDomainController } from './verified-domain/index.ts';

/** In the order in which they start: relays first, as everything waits for them. */
export function createControllers(context: OperatorContext): PreparedController[] {
  const usage = new UsageBoard(context);
  usage.start();
  return [
    createRelayController(context),
    createAccountController(context, usage),
    createVerifiedDomainController(context),
    ...createPlanLimitControllers(context, usage),
    createTestMessageController(context),
  ];
}
