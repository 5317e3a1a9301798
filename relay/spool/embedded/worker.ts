/** The thread that owns the database: a commit blocks it, never the SMTP event loop. */
import { parentPort, workerData } from 'node:worker_threads';
import { describeCause, RelayError } from '../../errors.ts';
import type { FromWorker, ToWorker } from './protocol.ts';
import { EmbeddedStore } from './store.ts';

function answer(message: FromWorker): void {
  parentPort?.postMessage(message);
}

function start(directory: string): void {
  // Before the replies of the calls that met the damage.
  const store = new EmbeddedStore(directory, (found) => answer({ kind: 'quarantined', found }));
  parentPort?.on('message', (message: ToWorker) => {
    if (message.kind === 'batch') {
      answer({ kind: 'replies', replies: store.run(message.operations) });
    } else {
      store.close();
      answer({ kind: 'closed' });
      parentPort?.close();
    }
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
