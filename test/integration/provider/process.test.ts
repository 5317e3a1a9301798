/** The provider as a process: cancelled, killed, orphaned, attached to, started by hand. */
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { wantedBuild } from '../../../provider/build.ts';
import { startCluster, type Cluster } from '../../cluster/index.ts';
import { objectPath, StandIn, type CustomObject } from './stand-in.ts';
import { providerExecutable, Terraform, unframed } from './terraform.ts';

jest.setTimeout(120_000);

let cluster: Cluster;
let operator: StandIn;
let terraform: Terraform;
let executable: string;
const configuration = (name: string) => `provider "migosmtp" {
  config_path = "${cluster.kubeconfig}"
}
resource "migosmtp_smtp_account" "it" {
  name        = "${name}"
  annotations = { "test/silent" = "yes" }
}
`;

beforeAll(async () => {
  cluster = await startCluster({ agent: false });
  operator = new StandIn(cluster.api);
  executable = await providerExecutable();
}, 600_000);
afterEach(() => terraform?.remove());
afterAll(async () => {
  await operator?.stop();
  await cluster?.stop();
});

describe('Ctrl-C during a wait', () => {
  it('ends within 5 s and keeps in the state what was made', async () => {
    terraform = await Terraform.start(configuration('cancelled'));
    let interruptedAt = 0;
    const { code, output } = await terraform.run(['apply', '-auto-approve', '-no-color'], {
      onOutput: (text, kill) => {
        if (interruptedAt > 0 || !text.includes('Creating...')) return;
        interruptedAt = Date.now();
        setTimeout(() => kill('SIGINT'), 1000);
      },
    });
    expect(Date.now() - interruptedAt - 1000).toBeLessThan(5000);
    expect(code).toBe(1);
    expect(unframed(output)).toContain('Error: Cancelled');
    const { metadata } = await cluster.api.get<CustomObject>(objectPath('smtpaccounts', 'cancelled'));
    expect(terraform.attributes('migosmtp_smtp_account')['uid']).toBe(metadata.uid);
  });
});

describe('terraform killed between the write and the state', () => {
  it('is told by the next apply how to take the object over', async () => {
    terraform = await Terraform.start(configuration('orphan'));
    const run = terraform.run(['apply', '-auto-approve', '-no-color'], {
      onOutput: (text, kill) => {
        if (!text.includes('Creating...')) return;
        const made = () => cluster.api.get(objectPath('smtpaccounts', 'orphan'));
        void cluster.waitFor('the object', made).then(() => kill('SIGKILL'));
      },
    });
    await run;
    await cluster.waitFor('the provider to end', () => Promise.resolve(!isRunning(terraform.folder)));
    const output = await terraform.refused();
    expect(output).toContain('Error: Object exists already');
    await terraform.ok(['import', '-no-color', 'migosmtp_smtp_account.it', 'default/orphan']);
    expect((await terraform.plan()).code).toBe(0);
  });
});

describe('--debug', () => {
  let provider: ChildProcess | undefined;
  afterEach(() => {
    provider?.kill();
  });

  it('serves several commands of terraform from one process', async () => {
    terraform = await Terraform.start(configuration('debugged'));
    provider = spawn(executable, ['--debug'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const line = await new Promise<string>((done) => {
      provider?.stdout?.once('data', (chunk: Buffer) => done(chunk.toString()));
    });
    const value = /^TF_REATTACH_PROVIDERS='(.*)'\n$/.exec(line)?.[1] ?? '';
    const env = { TF_REATTACH_PROVIDERS: value };
    expect((await terraform.plan({ env })).output).toContain('1 to add');
    expect((await terraform.plan({ env })).output).toContain('1 to add');
    expect(provider.exitCode).toBeNull();
  });
});

describe('the script build', () => {
  const node20 = nodeOf('v20.');
  const itOnNode20 = wantedBuild() === 'script' && node20 !== undefined ? it : it.skip;

  itOnNode20('runs on Node 20, the oldest release that it is made for', async () => {
    terraform = await Terraform.start(configuration('old').replace(/ *annotations.*\n/, ''));
    const folder = join(terraform.folder, 'bin');
    mkdirSync(folder);
    const started = join(folder, 'started');
    const text = `#!/bin/sh\necho >> ${started}\nexec ${node20 ?? ''} "$@"\n`;
    writeFileSync(join(folder, 'node'), text, { mode: 0o755 });
    const env = { PATH: `${folder}${delimiter}${process.env['PATH'] ?? ''}` };
    await terraform.apply({ env });
    expect((await terraform.plan({ env })).code).toBe(0);
    await terraform.ok(['destroy', '-auto-approve', '-no-color'], { env });
    expect(existsSync(started)).toBe(true);
  });
});

describe('started by hand', () => {
  it('says what it is and ends', () => {
    const { status, stderr, stdout } = spawnSync(executable, { encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr).toContain('This is a Terraform provider.');
    expect(stdout).toBe('');
  });
});

/** A program of that release of node, where the machine has one. */
function nodeOf(release: string): string | undefined {
  const programs = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'node'));
  return programs
    .filter((program) => existsSync(program))
    .find((program) => spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout.startsWith(release));
}

/** Whether a process of the provider still works in a folder. */
function isRunning(folder: string): boolean {
  const { stdout } = spawnSync(
    'sh',
    ['-c', 'for p in /proc/[0-9]*; do readlink $p/cwd 2>/dev/null | sed "s|^|$p |"; done'],
    {
      encoding: 'utf8',
    },
  );
  return stdout
    .split('\n')
    .map((line) => line.split(' '))
    .some(([process, cwd]) => cwd === resolve(folder) && isProvider(commandOf(process ?? '')));
}

/** The script build is a node with the bundle as its argument, the executable goes by its own name. */
function isProvider(command: string): boolean {
  return command.includes('provider.cjs') || command.includes('terraform-provider-migosmtp');
}

function commandOf(process: string): string {
  try {
    return readFileSync(`${process}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
