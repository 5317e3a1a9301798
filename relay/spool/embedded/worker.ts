/** The thread that owns the database: a commit blocks it, never the SMTP event loop. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { describeCause, RelayError } from '../../errors.ts';
import { unpack } from './packing.ts';
import type { FromWorker, Operation, ToWorker } from './protocol.ts';
import { EmbeddedStore } from './store.ts';

function answer(message: FromWorker): void {
  parentPort?.postMessage(message);
}

function waiting(): ToWorker | undefined {
  return parentPort ? (receiveMessageOnPort(parentPort)?.message as ToWorker | undefined) : undefined;
}

function start(directory: string): void {
  // Before the replies of the calls that met the damage.
  const store = new EmbeddedStore(directory, (found) => answer({ kind: 'quarantined', found }));
  const close = () => {
    store.close();
    answer({ kind: 'closed' });
    parentPort?.close();
  };
  parentPort?.on('message', (first: ToWorker) => {
    // All that came during the last commit shares the next one.
    const operations: Operation[] = [];
    let message: ToWorker | undefined = first;
    for (; message?.kind === 'batch'; message = waiting()) operations.push(...unpack(message));
    if (operations.length > 0) answer({ kind: 'replies', replies: store.run(operations) });
    if (message?.kind === 'close') close();
  });
  answer({ kind: 'opened' });
}

try {
  start((workerData as { directory: string }).directory);
} catch (error) {
  answer({
    kind: 'failed',
    code: error instanceof RelayError ? error.code : 'R_STORE_UNUSABLE',
    message: describeCause(error),
    cause: error instanceof Error ? describeCause(error.cause ?? error) : String(error),
  });
}
