/**
 * The provider's process: started by Terraform, or by hand with --debug to be attached to.
 * Flow: handshake line out, then calls over the socket until Terraform says Shutdown, goes away, or the parent dies.
 * Limits: nothing heavy is loaded before the handshake. Standard output belongs to the handshake alone.
 */
import { createProvider } from './resources/index.ts';
import { codePlaces, createLog, isProtocolOffered, isStartedByTerraform, startPlugin } from './wire/index.ts';

const ADDRESS = 'registry.terraform.io/migosmtp/migosmtp';
const PARENT_CHECK_MS = 1000;
/** Time for the answer to Shutdown to leave, should Terraform not hang up first. */
const LINGER_MS = 200;

const { env: environment } = process;
const isDebug = process.argv.includes('--debug');
const log = createLog(environment, (line) => process.stderr.write(line));

process.on('uncaughtException', crash);
process.on('unhandledRejection', crash);
// Ctrl-C goes to the whole process group; Terraform tells by StopProvider what it wants.
process.on('SIGINT', () => undefined);

if (!isDebug && !isStartedByTerraform(environment)) {
  refuse(
    'This is a Terraform provider. Terraform starts it: see https://developer.hashicorp.com/terraform/plugin.',
  );
} else if (!isProtocolOffered(environment)) {
  refuse('This provider speaks plugin protocol 6: it needs Terraform 1.0 or later.');
} else {
  serve().catch(crash);
}

async function serve(): Promise<void> {
  const plugin = await startPlugin(createProvider(environment), {
    environment: isDebug ? { ...environment, PLUGIN_CLIENT_CERT: undefined } : environment,
    log,
    onShutdown: () => {
      setTimeout(quit, LINGER_MS).unref();
      void plugin.disconnected.then(quit);
    },
  });
  const quit = () => {
    plugin.close();
    process.exit(0);
  };
  process.on('SIGTERM', quit);
  if (isDebug) {
    process.stdout.write(`${reattachLine(plugin.socket)}\n`);
    return;
  }
  process.stdout.write(`${plugin.handshake}\n`);
  void plugin.disconnected.then(quit);
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) quit();
  }, PARENT_CHECK_MS).unref();
}

/** What to export, so that terraform uses this very process. */
function reattachLine(socket: string): string {
  const config = {
    [ADDRESS]: {
      Protocol: 'grpc',
      ProtocolVersion: 6,
      Pid: process.pid,
      Test: true,
      Addr: { Network: 'unix', String: socket },
    },
  };
  return `TF_REATTACH_PROVIDERS='${JSON.stringify(config)}'`;
}

function refuse(words: string): void {
  process.stderr.write(`${words}\n`);
  process.exitCode = 1;
}

/** Terraform shows lines that begin with `panic:` in its crash box. A message may quote a secret: only places. */
function crash(cause: unknown): void {
  const kind = cause instanceof Error ? cause.name : typeof cause;
  process.stderr.write(`panic: ${kind} in terraform-provider-migosmtp\n${codePlaces(cause)}\n`);
  process.exit(2);
}
