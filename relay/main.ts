/** `node relay/main.ts --config relay.yaml`: one relay process, in a pod or alone. */
import { parseArgs } from 'node:util';
import { loadConfig } from './config.ts';
import { RelayError } from './errors.ts';
import { createLog } from './log.ts';
import { startRelay } from './relay.ts';

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: 'string' } }, strict: false });
  if (typeof values.config !== 'string') throw new RelayError('R_CONFIG_USAGE');
  const config = await loadConfig(values.config);
  const log = createLog();
  const relay = await startRelay(config, log);
  log.info({ ports: relay.ports, startMs: Math.round(performance.now()) }, 'relay started');
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'stopping');
    relay.stop().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

/** One line: what happened, what to do next. */
function fail(error: unknown): void {
  const known = error instanceof RelayError;
  const text = known ? `relay: ${error.code}: ${error.message}. ${error.hint}` : `relay: ${String(error)}`;
  process.stderr.write(`${text}\n`, () => process.exit(known && error.kind === 'Invalid' ? 2 : 1));
}

main().catch(fail);
