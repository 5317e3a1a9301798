import { createServer } from 'node:net';
import { run } from '../run.ts';
import { Forwarder } from './forwarder.ts';
import { log, reason } from './log.ts';
import { probeHttp, probeTcp } from './probe-client.ts';
import type { FromHelper, ServedPort, ToHelper } from './helper-protocol.ts';

/** Runs inside the cluster's root network namespace, told what to do over the channel to the node agent. */
const forwarders = new Map<string, Forwarder>();
/** Ports whose listening sockets the agent has. */
const lent = new Set<string>();
const addresses = new Set<string>();
let turn = Promise.resolve();

process.on('disconnect', () => process.exit(0));
process.on('message', (message: ToHelper) => {
  switch (message.type) {
    case 'services':
      turn = turn
        .then(() => applyServices(message))
        .catch((error: unknown) => log('services', { reason: reason(error) }));
      return;
    case 'probe':
      void answerProbe(message);
      return;
  }
});

async function answerProbe(message: Extract<ToHelper, { type: 'probe' }>): Promise<void> {
  const failure =
    message.http === undefined ? await probeTcp(message) : await probeHttp(message, message.http);
  send({ type: 'probed', id: message.id, ...(failure === undefined ? {} : { failure }) });
}

function send(message: FromHelper): void {
  process.send?.(message);
}

/**
 * The agent takes these connections: they come from the cluster's network and go on into the host's, with one process
 * between instead of two.
 */
async function lend({ address, port }: ServedPort): Promise<void> {
  const key = `${address}:${port}`;
  if (lent.has(key)) return;
  lent.add(key);
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address, port, backlog: 1024 }, resolve);
  });
  const message: FromHelper = { type: 'listening', address, port };
  process.send?.(message, server, {}, () => server.close());
}

/** Makes the served addresses and ports equal to the wanted ones. */
async function applyServices({ services, version }: Extract<ToHelper, { type: 'services' }>): Promise<void> {
  const fresh = [...new Set(services.map((service) => service.address))].filter(
    (address) => !addresses.has(address),
  );
  if (fresh.length > 0) {
    const input = fresh.map((address) => `addr replace ${address}/32 dev lo\n`).join('');
    const result = await run([process.env['IP'] ?? 'ip', '-batch', '-'], { input });
    if (result.code !== 0) log('cannot add addresses', { reason: result.stderr.trim() });
    for (const address of fresh) addresses.add(address);
  }
  const wanted = new Map(services.map((service) => [`${service.address}:${service.port}`, service]));
  for (const [key, forwarder] of forwarders) {
    if (wanted.has(key)) continue;
    forwarder.close();
    forwarders.delete(key);
  }
  for (const [key, service] of wanted) {
    if (service.targets === 'agent') {
      await lend(service);
      continue;
    }
    const forwarder = forwarders.get(key) ?? new Forwarder(service.address, service.port);
    forwarders.set(key, forwarder);
    await forwarder.setTargets(service.targets);
  }
  send({ type: 'served', version });
}
