import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { debianPackages } from '../debian.ts';
import { findImage } from '../images.ts';
import type { Image } from '../images.ts';
import { logFile } from '../pod-logs.ts';
import { identityOf } from './container-script.ts';
import { startContainer } from './container.ts';
import type { ContainerSpec, Exit, RunningContainer } from './container.ts';
import type { AgentContext } from './context.ts';
import { ConfigError, containerEnvironment, expand } from './environment.ts';
import { log, reason } from './log.ts';
import { now, terminated } from './pod-status.ts';
import type { StatusReport } from './pod-status.ts';
import { probeContainer } from './probes.ts';
import { resolvConf } from './services.ts';
import type { Container, ContainerStatus, Pod } from './types.ts';
import type { PodVolumes } from './volumes.ts';

/** The Pod around a container. */
export interface PodScope {
  agent: AgentContext;
  pod: Pod;
  folder: string;
  volumes: PodVolumes;
  report: StatusReport;
  address: string;
  sandboxPid: number;
  hostsFolder: string;
  /** Aborted when the Pod is to end. */
  stopping: AbortSignal;
  /** Resolves when something that a failed start may wait for has changed, or after a second. */
  change: () => Promise<void>;
}

/** Runs one container as often as the restart policy wants, and reports on it. */
export class ContainerRunner {
  readonly #scope: PodScope;
  readonly #container: Container;
  readonly #status: ContainerStatus;
  readonly #policy: 'Always' | 'OnFailure' | 'Never';
  #running: RunningContainer | undefined;

  constructor(
    scope: PodScope,
    container: Container,
    status: ContainerStatus,
    policy: 'Always' | 'OnFailure' | 'Never',
  ) {
    this.#scope = scope;
    this.#container = container;
    this.#status = status;
    this.#policy = policy;
  }

  /** @returns the last exit, when no restart is due; undefined when the Pod was stopped before a start */
  async run(): Promise<Exit | undefined> {
    const { stopping, agent, report } = this.#scope;
    let last: Exit | undefined;
    for (let failures = 0; !stopping.aborted;) {
      const spec = await this.#plan();
      if (spec === undefined) continue;
      const startedMs = Date.now();
      last = await this.#once(spec);
      const isDone =
        this.#policy === 'Never' || (this.#policy === 'OnFailure' && last.code === 0 && last.signal === null);
      if (stopping.aborted || isDone) break;
      failures = Date.now() - startedMs > 600_000 ? 0 : failures + 1;
      const base = agent.config().settings.restartBackoffMs;
      const wait = failures === 1 ? 0 : Math.min(base * 2 ** (failures - 2), base * 10);
      if (this.#status.state.terminated !== undefined) this.#status.lastState = this.#status.state;
      const message = `back-off ${wait} ms restarting container ${this.#container.name}`;
      this.#status.state = { waiting: { reason: 'CrashLoopBackOff', message } };
      if (wait > 0) report.touch();
      await delay(wait, undefined, { signal: stopping }).catch(() => {});
      this.#status.restartCount += 1;
    }
    return last;
  }

  /** SIGTERM, the rest of the grace period, SIGKILL. */
  async stop(graceMs: number): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    const deadline = Date.now() + graceMs;
    const preStop = this.#container.lifecycle?.preStop;
    if (preStop?.exec !== undefined && graceMs > 0) await running.exec(preStop.exec.command, graceMs);
    if (preStop?.sleep !== undefined) await delay(Math.min(preStop.sleep.seconds * 1000, graceMs));
    if (graceMs > 0) running.signal('SIGTERM');
    const rest = Math.max(0, deadline - Date.now());
    const timer = setTimeout(() => running.signal('SIGKILL'), rest);
    await running.exited;
    clearTimeout(timer);
  }

  async #once(spec: ContainerSpec): Promise<Exit> {
    const { report, agent, pod, address } = this.#scope;
    const name = `${pod.metadata.namespace}/${pod.metadata.name}/${this.#container.name}`;
    const running = await startContainer(spec);
    this.#running = running;
    const startedAt = now();
    this.#status.state = { running: { startedAt } };
    this.#status.containerID = `local://${spec.processes.name}`;
    this.#status.started = this.#container.startupProbe === undefined;
    log('container started', { container: name, restarts: this.#status.restartCount });
    const probing = new AbortController();
    if (this.#scope.stopping.aborted) running.signal('SIGKILL'); // the stop came during the start
    void probeContainer(
      { container: this.#container, running, address, helper: agent.helper, name, signal: probing.signal },
      {
        started: () => this.#set({ started: true }),
        ready: (isReady) => this.#set({ ready: isReady }),
        failed: (which, message) => {
          log('container is killed', { container: name, probe: which, message });
          void this.stop((pod.spec.terminationGracePeriodSeconds ?? 30) * 1000);
        },
      },
    );
    report.touch();
    const exit = await running.exited;
    probing.abort();
    this.#running = undefined;
    this.#status.state = { terminated: terminated(exit, startedAt) };
    this.#set({ ready: false, started: false });
    report.touch();
    log('container ended', { container: name, code: exit.code, signal: exit.signal });
    return exit;
  }

  #set(change: { ready?: boolean; started?: boolean }): void {
    if (Object.entries(change).every(([key, value]) => this.#status[key as 'ready' | 'started'] === value))
      return;
    Object.assign(this.#status, change);
    this.#scope.report.touch();
  }

  /** What to start; undefined after a wait, when that is not known now. */
  async #plan(): Promise<ContainerSpec | undefined> {
    try {
      return await this.#spec();
    } catch (error) {
      const isConfig = error instanceof ConfigError;
      if (!isConfig) log('container not started', { container: this.#container.name, reason: reason(error) });
      const why = error instanceof ImageError ? 'ErrImagePull' : 'CreateContainerConfigError';
      this.#status.state = { waiting: { reason: why, message: reason(error) } };
      this.#scope.report.touch();
      await this.#scope.change();
      return undefined;
    }
  }

  async #spec(): Promise<ContainerSpec> {
    const { agent, pod, folder, address, volumes, hostsFolder, sandboxPid } = this.#scope;
    const container = this.#container;
    const { settings, folder: clusterFolder } = agent.config();
    const image: Image = findImage(settings.images, container.image) ?? {};
    const identity = identityOf(image, pod.spec.securityContext, container.securityContext);
    const mustNotBeRoot = container.securityContext?.runAsNonRoot ?? pod.spec.securityContext?.runAsNonRoot;
    if (mustNotBeRoot === true && identity.user === 0) {
      throw new ConfigError('container has runAsNonRoot and image will run as root');
    }
    const env = await containerEnvironment(pod, container, image.env ?? {}, address, agent.objects);
    const command = container.command ?? image.command;
    if (command === undefined) {
      throw new ImageError(
        `the image map of this test cluster has no command for "${container.image}", and the container names none`,
      );
    }
    const own = (image.mounts ?? []).map((m) => ({
      source: m.hostPath,
      target: m.mountPath,
      readOnly: m.readOnly ?? true,
    }));
    const layers = image.packages === undefined ? [] : [(await debianPackages(image.packages)).root];
    const { name, namespace = '', uid = '' } = pod.metadata;
    const logged = { name, namespace, uid };
    return {
      sandboxPid,
      identity,
      env,
      argv: [...command, ...(container.args ?? [])].map((argument) => expand(argument, env)),
      logFile: logFile(join(clusterFolder, 'logs'), logged, container.name, this.#status.restartCount),
      processes: {
        folder: join(clusterFolder, 'processes'),
        name: `pod-${pod.metadata.uid}-${container.name}`,
      },
      plan: {
        scratch: join(folder, 'scratch', container.name),
        hostname: pod.spec.hostname ?? pod.metadata.name,
        hostsFolder,
        resolvConf: resolvConf(settings.resolver),
        layers,
        readOnly: container.securityContext?.readOnlyRootFilesystem === true,
        mounts: [...own, ...volumes.mounts(container, env)],
        workingDir: container.workingDir ?? '/',
      },
    };
  }
}

class ImageError extends ConfigError {
  override name = 'ErrImagePull';
}
