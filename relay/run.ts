/** Loads the configuration, runs the relay until a signal, and takes it down within the grace. */
import { flushCompileCache } from 'node:module';
import { loadConfig } from './config.ts';
import { describeCause } from './errors.ts';
import { watchFiles } from './files.ts';
import { createLog } from './log.ts';
import { openSpool } from './spool/index.ts';

export async function run(file: string, fail: (error: unknown) => void): Promise<void> {
  const config = await loadConfig(file);
  const log = createLog();
  // The store opens in its thread while this one loads the rest.
  const opening = openSpool(config.storage);
  opening.catch(() => undefined);
  const { startRelay } = await import('./relay.ts');
  const relay = await startRelay(config, opening, log);
  if (config.policy.from === 'inline') {
    // Everything but the policy needs a new process.
    const reload = async () => relay.reloadPolicy((await loadConfig(file)).policy);
    watchFiles([file], () => {
      reload().catch((error: unknown) => log.error({ cause: describeCause(error) }, 'policy not reloaded'));
    });
  }
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'stopping');
    relay.stop().then(() => process.exit(0), fail);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  log.info({ ports: relay.ports, startMs: Math.round(performance.now()) }, 'relay started');
  // Else it is only written at a clean exit, and a killed process would start slowly again.
  setImmediate(flushCompileCache);
}
