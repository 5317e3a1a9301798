/** Starts the worker that owns the database, and hears of what it found there. */
import { Worker } from 'node:worker_threads';
import { ERRORS, type ErrorCode, RelayError } from '../../errors.ts';
import type { Spool } from '../types.ts';
import { EmbeddedSpool } from './client.ts';
import type { Quarantined } from './database.ts';
import type { FromWorker } from './protocol.ts';

export interface OpenedSpool {
  readonly spool: Spool;
  /** Hears of damage that was found, at the start or later. Mail of which nothing is left is not there any more. */
  readonly onQuarantined?: (listener: (found: Quarantined) => void) => void;
}

/** Opens the store for this process alone; throws R_STORE_* where it cannot. */
export async function openEmbeddedSpool(directory: string): Promise<OpenedSpool> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: { directory },
    name: 'spool',
    resourceLimits: { maxYoungGenerationSizeMb: 24 },
  });
  const found: Quarantined[] = [];
  let tell = (damage: Quarantined): void => {
    found.push(damage);
  };
  const first = await new Promise<FromWorker>((resolve, reject) => {
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'quarantined') tell(message.found);
      else resolve(message);
    });
    worker.once('error', reject);
  });
  if (first.kind !== 'opened') {
    await worker.terminate();
    throw openError(first, directory);
  }
  const onQuarantined = (listener: (damage: Quarantined) => void) => {
    tell = listener;
    found.splice(0).forEach(listener);
  };
  return { spool: new EmbeddedSpool(worker, directory), onQuarantined };
}

function openError(message: FromWorker, directory: string): RelayError {
  if (message.kind !== 'failed')
    return new RelayError('R_STORE_UNUSABLE', { directory, cause: message.kind });
  const code = message.code in ERRORS ? (message.code as ErrorCode) : 'R_STORE_UNUSABLE';
  const error = new RelayError(code, { directory, cause: message.cause });
  error.message = code === 'R_STORE_NEWER' ? message.message : error.message;
  return error;
}
