/** Memory of connections that have logged in and then say nothing. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pssMb } from '../../process-tree.ts';
import type { Figures } from '../figures.ts';
import { Load, type Login } from '../load/index.ts';
import type { RowOptions } from '../rows.ts';
import { startRelay } from '../subjects/relay.ts';
import { freePort } from '../subjects/subject.ts';

const CONNECTIONS = 10_000;
/** Garbage of the handshakes goes meanwhile. */
const SETTLE_MS = 3_000;

export async function idleConnections(options: RowOptions): Promise<Figures> {
  const folder = join(options.folder, 'idle');
  await mkdir(folder);
  const logins = manyLogins();
  const relay = await startRelay({
    folder,
    sinkPort: await freePort(),
    connections: CONNECTIONS,
    tls: options.tls,
    logins,
    dkimKeyFile: undefined,
  });
  // Of its own: it keeps the connections until it ends.
  const load = new Load();
  try {
    const before = pssMb(relay.pid);
    await load.idle({ kind: 'idle', port: relay.port, logins, connections: CONNECTIONS });
    await sleep(SETTLE_MS);
    return { idle_10k_rss_mb: pssMb(relay.pid) - before };
  } finally {
    load.stop();
    await relay.stop();
  }
}

/** As many accounts as keep each below any cap on its connections. */
function manyLogins(): Login[] {
  return Array.from({ length: 1_000 }, (_, i) => ({
    username: `smtpuser_${i.toString(16).padStart(8, '0')}`,
    password: `Tr4il${i}xQmBvZk7LpW9sDfGh2JnYc8Re`,
  }));
}
