/** PostgreSQL that pods reach, and what an SmtpRelay says to use it from two of them. */
import { join } from 'node:path';
import { NAMESPACE } from '../../operator/install/index.ts';
import { repository } from '../cluster/images.ts';
import type { Cluster } from '../cluster/index.ts';
import { apply } from '../integration/operator/support/installation.ts';
import { startPostgres } from './postgres.ts';

export interface SharedStore {
  spec: Record<string, unknown>;
  stop: () => Promise<void>;
}

const PORT = 5432;
const SECRET = 'shared-postgres';

/** The server listens on the host; in the pods' network a forwarder to its Unix socket stands for it. */
export async function sharedStore(cluster: Cluster): Promise<SharedStore> {
  const postgres = await startPostgres({ settings: ['max_connections=100', 'shared_buffers=64MB'] });
  try {
    const uri = new URL(await postgres.createDatabase());
    const [row] = await postgres.query('SHOW unix_socket_directories');
    const socket = join(String(Object.values(row ?? {})[0]), `.s.PGSQL.${postgres.port}`);
    const address = await cluster.addAddress();
    const script = join(repository, 'test/support/forwarder.ts');
    const node = join(repository, 'node_modules/node/bin/node');
    await cluster.startServer('postgres-forwarder', [node, script, address, String(PORT), socket]);
    uri.hostname = address;
    uri.port = String(PORT);
    const data = { uri: Buffer.from(uri.href).toString('base64') };
    const metadata = { namespace: NAMESPACE, name: SECRET };
    await apply(cluster, { apiVersion: 'v1', kind: 'Secret', metadata, data });
    const spec = { replicas: 2, storage: { postgres: { secretRef: { name: SECRET } } } };
    return { spec, stop: () => postgres.remove() };
  } catch (error) {
    await postgres.remove();
    throw error;
  }
}
