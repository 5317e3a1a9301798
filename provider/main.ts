/**
 * The provider's process: started by Terraform, or by hand with --debug to be attached to.
 * Flow: handshake line out, then calls over the socket until Terraform says Shutdown, goes away, or the parent dies.
 * Limits: nothing heavy is loaded before the handshake. Standard output belongs to the handshake alone.
 */
import { codePlaces } from './wire/code-places.ts';
import { isProtocolOffered, isStartedByTerraform, listen, type Listener } from './wire/listen.ts';
import { createLog } from './wire/log.ts';

const ADDRESS = 'registry.terraform.io/migosmtp/migosmtp';
const PARENT_CHECK_MS = 1000;
/** Time for the answer to Shutdown to leave, should Terraform not hang up first. */
const LINGER_MS = 200;

const { env: environment } = process;
const isDebug = process.argv.includes('--debug');

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
  run().catch(crash);
}

async function run(): Promise<void> {
  const parent = process.ppid;
  const listener = await listen(isDebug ? { ...environment, PLUGIN_CLIENT_CERT: undefined } : environment);
  process.stdout.write(`${isDebug ? reattachLine(listener.socket) : listener.handshake}\n`);
  const quit = () => {
    listener.close();
    process.exit(0);
  };
  process.on('SIGTERM', quit);
  if (!isDebug) quitWithParent(parent, quit);
  await serve(listener, quit);
}

async function serve(listener: Listener, quit: () => void): Promise<void> {
  const { createProvider, servePlugin } = await import('./serve.ts');
  servePlugin(listener, createProvider(environment), {
    log: createLog(environment, (line) => process.stderr.write(line)),
    onShutdown: () => setTimeout(quit, LINGER_MS),
    onDisconnect: () => {
      // A person who debugs runs several commands against one process.
      if (!isDebug) quit();
    },
  });
}

function quitWithParent(parent: number, quit: () => void): void {
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
