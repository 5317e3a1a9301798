import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { providerMirror, type Build } from '../../../provider/build.ts';
import {
  install,
  namespace,
  relay,
  type Installation,
} from '../../integration/operator/support/installation.ts';
import { Terraform } from '../../integration/provider/terraform.ts';

export interface World {
  readonly installation: Installation;
  /** One folder of configuration for each way of doing it, all with the same count of objects. */
  readonly subjects: readonly Subject[];
  stop(): Promise<void>;
}

export interface Subject {
  readonly name: 'terraform_data' | 'executable' | 'script';
  readonly terraform: Terraform;
  readonly workspace: string;
  configuration(count: number): string;
}

export interface Sizes {
  readonly rounds: number;
  readonly objects: number;
}

/** A control plane with operator and relay, and the subjects that are measured on it. */
export async function buildWorld(progress: (line: string) => void): Promise<World> {
  progress('starting a control plane with the operator');
  const installation = await install({ env: { LOG_LEVEL: 'warn' } });
  const terraforms: Terraform[] = [];
  // Of its own: one that a test builds anew meanwhile would not be the locked one any more.
  const folder = mkdtempSync(join(tmpdir(), 'migosmtp-bench-mirror-'));
  const mirrors = (build: Build) => providerMirror(join(folder, build), build);
  const stop = async () => {
    for (const terraform of terraforms) terraform.remove();
    rmSync(folder, { recursive: true, force: true });
    await installation.stop();
  };
  try {
    await relay(installation);
    const subjects: Subject[] = [];
    for (const name of ['terraform_data', 'executable', 'script'] as const) {
      const workspace = `bench-${name.replace('_', '-')}`;
      await namespace(installation.cluster, workspace);
      const configuration = (count: number) =>
        name === 'terraform_data' ? floor(count) : accounts(installation, workspace, count);
      const mirror = await mirrors(name === 'terraform_data' ? 'script' : name);
      const terraform = await Terraform.start(configuration(1), mirror);
      terraforms.push(terraform);
      subjects.push({ name, terraform, workspace, configuration });
    }
    return { installation, subjects, stop };
  } catch (cause) {
    await stop();
    throw cause;
  }
}

/** Terraform's own least: as many objects of the resource that it has built in, with as much in them. */
function floor(count: number): string {
  return `resource "terraform_data" "it" {
  count = ${count}
  input = { name = "account-\${count.index}", senders = ["*@shop.example"], per_day = 500 }
}
`;
}

function accounts({ cluster }: Installation, workspace: string, count: number): string {
  return `provider "migosmtp" {
  config_path = "${cluster.kubeconfig}"
}
resource "migosmtp_smtp_account" "it" {
  count     = ${count}
  name      = "account-\${count.index}"
  namespace = "${workspace}"
  limits    = { per_day = 500 }
}
`;
}
