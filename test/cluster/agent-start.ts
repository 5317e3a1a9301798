import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readFile } from 'node:fs/promises';
import type { AgentConfig, AgentSettings } from './agent/config.ts';
import type { ControlPlane } from './control-plane.ts';
import { debianPackages, onPath } from './debian.ts';
import { Refusal, tail } from './failure.ts';
import { defaultImages } from './images.ts';
import { isAlive, record, recorded, startDaemon } from './processes.ts';
import { network, writeAtomically } from './state.ts';

/** Programs that every Debian has; on other systems they may have to be installed. */
const tools = ['unshare', 'nsenter', 'setpriv', 'mount', 'umount', 'pivot_root', 'flock'];

/** Starts the node agent in its own session and waits until its network stands. */
export async function startAgent(
  plane: ControlPlane,
  settings: Partial<AgentSettings>,
  progress: (line: string) => void,
): Promise<void> {
  const { paths, pki } = plane;
  await refuseMissingTools();
  const config: AgentConfig = {
    cluster: plane.record.name,
    folder: paths.folder,
    server: plane.record.server,
    credentials: {
      authority: pki.file('ca.crt'),
      certificate: pki.file('node-agent.crt'),
      key: pki.file('node-agent.key'),
    },
    serving: { certificate: pki.file('server.crt'), key: pki.file('server.key') },
    ip: await findIp(progress),
    settings: {
      images: { ...defaultImages(), ...settings.images },
      resolver: settings.resolver ?? network.gateway,
      mountDelayMs: settings.mountDelayMs ?? 1000,
      restartBackoffMs: settings.restartBackoffMs ?? 1000,
    },
  };
  await writeAtomically(paths.agentConfig, JSON.stringify(config, null, 2));
  const identity = await startDaemon({
    argv: [
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      join(import.meta.dirname, 'agent/main.ts'),
      paths.agentConfig,
    ],
    cwd: '/',
    logFile: join(paths.logs, 'node-agent.log'),
  });
  await record(paths.processes, 'node-agent', identity);
  const deadline = Date.now() + 20_000;
  while (!(await recorded(paths.processes)).has('network')) {
    if (!isAlive(identity) || Date.now() > deadline) {
      const log = await readFile(join(paths.logs, 'node-agent.log'), 'utf8');
      throw new Error(`the node agent did not start:\n${tail(log)}`);
    }
    await delay(20);
  }
}

async function refuseMissingTools(): Promise<void> {
  const missing: string[] = [];
  for (const tool of tools) if ((await onPath(tool)) === undefined) missing.push(tool);
  if (missing.length > 0) {
    throw new Refusal(`missing: ${missing.join(', ')}: install util-linux and mount (apt-get install)`);
  }
}

async function findIp(progress: (line: string) => void): Promise<AgentConfig['ip']> {
  const path = await onPath('ip');
  if (path !== undefined) return { path, libraryPath: '' };
  const iproute = await debianPackages(['iproute2'], progress);
  return { path: iproute.bin('ip'), libraryPath: iproute.env({})['LD_LIBRARY_PATH'] ?? '' };
}
