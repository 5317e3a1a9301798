import { writeFile, readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { Refusal } from './failure.ts';
import { cleanAll, clusterNames, openCluster, startCluster, stopCluster } from './index.ts';
import { isAlive } from './processes.ts';
import { readRecord } from './state.ts';

const usage = `usage: npm run cluster -- up|down|status|clean-all [--name NAME] [--kubeconfig FILE] [--port PORT] [--no-agent]
  up         start a control plane and a node agent (about 5 s; the first time also builds the control plane)
  down       take it down; its data is gone
  status     what runs: processes, ports, version
  clean-all  take all clusters down and remove the cache: packages, builds, state`;

const progress = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

async function up(
  name: string,
  options: { kubeconfig?: string; port?: string; 'no-agent'?: boolean },
): Promise<void> {
  if ((await readRecord(name))?.ready === true && (await isWhole(name))) {
    progress(`cluster ${name} is already up`);
  } else {
    const cluster = await startCluster({
      name,
      outlive: true,
      progress,
      agent: options['no-agent'] !== true,
      ...(options.port === undefined ? {} : { port: portNumber(options.port) }),
    });
    cluster.api.close();
  }
  const cluster = await openCluster(name);
  if (options.kubeconfig !== undefined) {
    await writeFile(options.kubeconfig, await readFile(cluster.kubeconfig), { mode: 0o600 });
  }
  cluster.api.close();
  console.log(`cluster ${name} is up: export KUBECONFIG=${options.kubeconfig ?? cluster.kubeconfig}`);
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65535)
    throw new Refusal(`--port ${text} is not a port number`);
  return port;
}

async function isWhole(name: string): Promise<boolean> {
  const cluster = await openCluster(name);
  cluster.api.close();
  return [...(await cluster.processes()).entries()].every(
    ([part, id]) => part.startsWith('pod-') || isAlive(id),
  );
}

async function status(only: string | undefined): Promise<void> {
  const names = (await clusterNames()).filter((name) => only === undefined || name === only);
  if (names.length === 0) console.log(only === undefined ? 'no cluster is up' : `no cluster ${only} is up`);
  for (const name of names) {
    const record = await readRecord(name);
    if (record?.ready !== true) {
      console.log(`${name}: not ready`);
      continue;
    }
    const cluster = await openCluster(name);
    cluster.api.close();
    console.log(
      `${name}: Kubernetes ${record.version} (${record.origin}) at ${record.server}, since ${record.createdAt}`,
    );
    console.log(`  kubeconfig ${cluster.kubeconfig}`);
    console.log(`  logs       ${cluster.paths.logs}`);
    console.log(
      `  ports      ${Object.entries(record.ports)
        .map(([part, port]) => `${part} ${port}`)
        .join(', ')}`,
    );
    for (const [part, identity] of await cluster.processes()) {
      console.log(`  process    ${part} ${identity.pid}${isAlive(identity) ? '' : ' (ended)'}`);
    }
  }
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      name: { type: 'string' },
      kubeconfig: { type: 'string' },
      port: { type: 'string' },
      'no-agent': { type: 'boolean' },
    },
  });
  const name = values.name ?? 'default';
  switch (positionals[0]) {
    case 'up':
      return up(name, values);
    case 'down':
      await stopCluster(name);
      console.log(`cluster ${name} is down`);
      return;
    case 'status':
      return status(values.name);
    case 'clean-all':
      return cleanAll(progress);
    default:
      throw new Refusal(usage);
  }
}

try {
  await main();
} catch (error) {
  const isPlain = error instanceof Refusal || (error instanceof TypeError && 'code' in error);
  console.error(isPlain ? error.message : error);
  process.exitCode = 1;
}
