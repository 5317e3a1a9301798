/** Memory with a long queue: 100,000 messages while the next hop is down, which then comes up. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MemoryWatch } from '../../process-tree.ts';
import type { Figures } from '../figures.ts';
import { PER_CONNECTION } from '../scenarios.ts';
import type { RowOptions } from '../rows.ts';
import { Sink } from '../sink.ts';
import { startRelay } from '../subjects/relay.ts';
import { freePort, RECIPIENT_DOMAIN, SENDER } from '../subjects/subject.ts';

const MESSAGES = 100_000;
const CONNECTIONS = 50;
/** The next hop is asked again at most a minute and a quarter after it refused. */
const DELIVERY_MS = 600_000;

export async function backlog(options: RowOptions): Promise<Figures> {
  const { load, logins, tls, progress } = options;
  const folder = join(options.folder, 'backlog');
  await mkdir(folder);
  const sinkPort = await freePort();
  const connections = CONNECTIONS;
  const relay = await startRelay({ folder, sinkPort, connections, tls, logins, dkimKeyFile: undefined });
  const memory = new MemoryWatch(relay.pid);
  let sink: Sink | undefined;
  try {
    await load.send({
      kind: 'send',
      port: relay.port,
      logins,
      connections,
      perConnection: PER_CONNECTION,
      messages: MESSAGES,
      size: 5_120,
      from: SENDER,
      recipientDomain: RECIPIENT_DOMAIN,
    });
    progress(`${MESSAGES} messages queued; the next hop comes up`);
    sink = await Sink.start(sinkPort);
    await sink.waitFor(MESSAGES, DELIVERY_MS);
    return { backlog_rss_mb: memory.stop() };
  } finally {
    memory.stop();
    await relay.stop();
    await sink?.stop();
  }
}
