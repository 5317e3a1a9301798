/** The app's own repository, as its pipeline sees it: the code is edited, synthesised and applied. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildConstructs } from '../../../provider/constructs/build/index.ts';
import { providerMirror, writeCliConfig } from '../../../provider/build.ts';
import { terraform, type TerraformOptions } from './terraform.ts';
import { DOMAIN, WORKSPACE, repository, type World } from './world.ts';

/** Long enough to log in with both passwords, short enough to wait for. */
const OVERLAP = '6s';

export interface App {
  /** Name of the account that the app declares. */
  account: string;
  /** Raise one of the two numbers in the code by one; returns the new one. */
  raise(trigger: 'revision' | 'resetRevision'): number;
  /** Write the stack from the present code. */
  synthesise(): Promise<void>;
  /** Manifests that stand beside the stack: the Deployment that mounts the Secret. */
  manifests: string;
  terraform: TerraformOptions;
  planFile: string;
}

/** Build provider and constructs, and take a working copy of the example app. */
export async function prepareApp(world: World): Promise<App> {
  return world.steps.run(
    'tools: Terraform provider and CDKTF constructs built from source',
    async (note) => {
      const mirror = await providerMirror();
      const cliConfig = join(world.folder, 'terraform.rc');
      writeCliConfig(cliConfig, mirror);
      await buildConstructs();
      note('provider in a filesystem mirror, bindings generated from its schema');
      return workingCopy(world, cliConfig);
    },
    true,
  );
}

function workingCopy(world: World, cliConfig: string): App {
  const code = join(world.folder, 'app');
  mkdirSync(code);
  cpSync(join(repository, 'examples/cdktf-app'), code, {
    recursive: true,
    filter: (path) => !path.includes('cdktf.out'),
  });
  const stackFile = join(code, 'mail-stack.ts');
  edit(stackFile, (text) => text.replace(".overlap('24h')", `.overlap('${OVERLAP}')`));
  const folder = join(code, 'cdktf.out/stacks/mail');
  return {
    account: 'checkout',
    raise: (trigger) => raise(stackFile, trigger),
    synthesise: () => synthesise(world, code),
    manifests: join(code, 'cdktf.out/kubernetes/shop.yaml'),
    planFile: join(world.folder, 'plan.bin'),
    terraform: {
      folder,
      cliConfig,
      outputFile: join(world.folder, 'terraform-output.log'),
      ...(world.options.isTraced === true && { traceFile: join(world.folder, 'terraform-trace.log') }),
    },
  };
}

/** `Rotation.revision(1).reset(0)`: one of the numbers, plus one. */
function raise(file: string, trigger: 'revision' | 'resetRevision'): number {
  const pattern = trigger === 'revision' ? /(\.revision\()(\d+)(\))/ : /(\.reset\()(\d+)(\))/;
  let raised = 0;
  edit(file, (text) =>
    text.replace(pattern, (_match, before: string, number: string, after: string) => {
      raised = Number(number) + 1;
      return `${before}${raised}${after}`;
    }),
  );
  return raised;
}

function edit(file: string, change: (text: string) => string): void {
  const before = readFileSync(file, 'utf8');
  const after = change(before);
  if (after === before)
    throw new Error(`${file} has changed its shape: the demo found nothing to edit in it`);
  writeFileSync(file, after);
}

async function synthesise(world: World, code: string): Promise<void> {
  await promisify(execFile)(process.execPath, ['main.ts'], {
    cwd: code,
    env: {
      ...process.env,
      KUBE_CONFIG_PATH: world.cluster.kubeconfig,
      MAIL_NAMESPACE: WORKSPACE,
      MAIL_DOMAIN: DOMAIN,
      MAIL_SMARTHOST: `${world.sink.address}:${world.sink.port}`,
      MAIL_SMARTHOST_TLS: 'None',
      MAIL_TO: 'customer@customers.example',
    },
  });
}

/** What a pipeline does after a change: synth, plan, apply. */
export async function applyApp(world: World, app: App, note: (line: string) => void): Promise<void> {
  await app.synthesise();
  await terraform(['plan', '-input=false', `-out=${app.planFile}`], app.terraform);
  const output = await terraform(['apply', '-input=false', '-auto-approve', app.planFile], app.terraform);
  note(/Apply complete![^\n]*/.exec(output)?.[0] ?? 'applied');
}
