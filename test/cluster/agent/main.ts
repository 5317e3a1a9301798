import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApiClient } from '../api-client.ts';
import { readConfig } from './config.ts';
import type { AgentConfig } from './config.ts';
import type { AgentContext } from './context.ts';
import { pass } from './forwarder.ts';
import { log, reason } from './log.ts';
import { serveLogs } from './log-server.ts';
import { NetworkHelper } from './network-helper.ts';
import { ClusterNetwork } from './network-namespace.ts';
import { keepNode } from './node.ts';
import { ReferredObjects } from './objects.ts';
import { TokenSource } from './payload.ts';
import { Pods } from './pods.ts';
import { Provisioner } from './provisioner.ts';
import { resolvConf, Services } from './services.ts';

/** The node agent: scheduler, kubelet, service proxy and volume provisioner of a cluster, in one process. */
async function main(configPath: string): Promise<void> {
  const config = watchConfig(configPath);
  const { folder, server, credentials } = config();
  const client = new ApiClient({
    server,
    authority: readFileSync(credentials.authority, 'utf8'),
    certificate: readFileSync(credentials.certificate, 'utf8'),
    key: readFileSync(credentials.key, 'utf8'),
  });
  const network = new ClusterNetwork(config());
  await network.open(join(folder, 'processes'));
  const { hostname, port } = new URL(server);
  // The API server stands on the host's loopback, which nothing in the cluster's network reaches.
  const helper = new NetworkHelper(network, (connection) =>
    pass(connection, { host: hostname, port: Number(port) }),
  );
  const services = new Services(client, helper, folder, await hasEndpointSlices(client));
  const provisioner = new Provisioner(client, folder);
  await provisioner.register();
  const objects = new ReferredObjects(client);
  const agent: AgentContext = {
    client,
    config,
    network,
    helper,
    services,
    objects,
    tokens: new TokenSource(client),
  };
  await services.synced();
  await new Pods(client, agent).synced;
  const version = await client.get<{ gitVersion: string }>('/version');
  await keepNode(client, version.gitVersion.replace(/^v/, ''), await serveLogs(config()));
  log('ready', { server, pid: process.pid });
}

/** Re-reads the settings when the file changes. */
function watchConfig(path: string): () => AgentConfig {
  let current = readConfig(path);
  let seen = statSync(path).mtimeMs;
  const follow = () => {
    writeFileSync(join(current.folder, 'resolv.conf'), resolvConf(current.settings.resolver), {
      mode: 0o644,
    });
  };
  follow();
  setInterval(() => {
    try {
      const { mtimeMs } = statSync(path);
      if (mtimeMs === seen) return;
      seen = mtimeMs;
      current = readConfig(path);
      follow();
      log('settings changed');
    } catch (error) {
      log('settings not read', { reason: reason(error) });
    }
  }, 250);
  return () => current;
}

/** EndpointSlices are at v1 since 1.21; before, Endpoints say the same. */
async function hasEndpointSlices(client: ApiClient): Promise<boolean> {
  return (await client.send('GET', '/apis/discovery.k8s.io/v1')).status === 200;
}

process.on('SIGTERM', () => process.exit(0)); // what it has started dies with it
process.on('unhandledRejection', (error) => log('unhandled', { reason: reason(error) }));

const [configPath] = process.argv.slice(2);
if (configPath === undefined) throw new Error('usage: main.ts agent.json');
await main(configPath);
