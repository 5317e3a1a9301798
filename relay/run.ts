/** Loads the configuration, runs the relay until a signal, and takes it down within the grace. */
import { loadConfig } from './config.ts';
import { createLog } from './log.ts';
import { startRelay } from './relay.ts';

export async function run(file: string, fail: (error: unknown) => void): Promise<void> {
  const config = await loadConfig(file);
  const log = createLog();
  const relay = await startRelay(config, log);
  log.info({ ports: relay.ports, startMs: Math.round(performance.now()) }, 'relay started');
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'stopping');
    relay.stop().then(() => process.exit(0), fail);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}
