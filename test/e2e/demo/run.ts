/** The demo from beginning to end; `make demo` prints it, the end-to-end test looks behind it. */
import { delimiter, dirname } from 'node:path';
import { prepareApp } from './app.ts';
import { accountYaml, kubectlAccount, reset, rotate } from './credentials.ts';
import { declare, proveDomain, rollOut } from './declare.ts';
import { destroy } from './destroy.ts';
import { installOperator } from './install.ts';
import { showReports } from './reports.ts';
import { exceedPlan, sendFromApp, verifySignatures } from './send.ts';
import { Steps } from './steps.ts';
import { WORKSPACE, buildWorld, takeDown, type DemoOptions, type World } from './world.ts';

/** Seconds that the demo may take after set-up. */
const DEMO_LIMIT_SECONDS = 90;

/** Run every step. Rejects when one fails, or when a promised time was not kept; all is taken down either way. */
export async function runDemo(options: DemoOptions): Promise<Steps> {
  const steps = new Steps(options.print);
  const world = await buildWorld(steps, options);
  let isComplete = false;
  try {
    options.onStart?.(world);
    await allSteps(world);
    await options.beforeTakeDown?.(world);
    isComplete = true;
  } finally {
    if (options.isKept && isComplete) await lookAround(world);
    else await takeDown(world);
  }
  summarise(steps, options.print);
  return steps;
}

async function allSteps(world: World): Promise<void> {
  const app = await prepareApp(world);
  await installOperator(world);
  await declare(world, app);
  await rollOut(world);
  await proveDomain(world);
  await verifySignatures(world, await sendFromApp(world, app));
  await showReports(world, app);
  await exceedPlan(world, accountYaml);
  await kubectlAccount(world);
  await rotate(world, app);
  await reset(world, app);
  await world.options.beforeDestroy?.(world, app);
  if (!world.options.isKept) await destroy(world, app);
}

function summarise(steps: Steps, print: (line: string) => void): void {
  print('');
  for (const { name, seconds, limit } of steps.figures)
    print(`${name.padEnd(34)}${seconds.toFixed(3)} s  (under ${limit} s)`);
  print(
    `${'all steps after set-up'.padEnd(34)}${steps.demoSeconds.toFixed(1)} s  (under ${DEMO_LIMIT_SECONDS} s)`,
  );
  const broken = [...steps.broken];
  if (steps.demoSeconds >= DEMO_LIMIT_SECONDS)
    broken.push(`the steps took ${steps.demoSeconds.toFixed(1)} s`);
  if (broken.length > 0) throw new Error(`promised times were not kept: ${broken.join('; ')}`);
}

async function lookAround(world: World): Promise<void> {
  const { print } = world.options;
  const tools = dirname(await world.cluster.findKubectl());
  const kubeconfig = '.state/demo/kubeconfig';
  print('');
  print('Everything is left running. To look around:');
  print(`  export KUBECONFIG=$PWD/${kubeconfig}`);
  if (!(process.env['PATH'] ?? '').split(delimiter).includes(tools)) print(`  export PATH=$PATH:${tools}`);
  print('  kubectl get migosmtp --all-namespaces');
  print(`  kubectl --namespace ${WORKSPACE} describe smtpaccount checkout`);
  print(`  kubectl --namespace ${WORKSPACE} logs deployment/shop`);
  print('  kubectl --namespace migosmtp-system logs deployment/migosmtp-operator');
  print('To end it: npm run cluster -- down --name demo');
}
