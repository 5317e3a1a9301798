import { chmodSync, mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { ContainerRunner } from './container-runner.ts';
import type { PodScope } from './container-runner.ts';
import type { Exit } from './container.ts';
import type { AgentContext } from './context.ts';
import { log, reason } from './log.ts';
import type { PayloadContext } from './payload.ts';
import { StatusReport } from './pod-status.ts';
import { podHosts } from './services.ts';
import type { Pod } from './types.ts';
import { PodVolumes } from './volumes.ts';

/** One Pod from its binding to its end. */
export class PodRunner {
  readonly #agent: AgentContext;
  readonly #report: StatusReport;
  readonly #folder: string;
  readonly #stopping = new AbortController();
  readonly #payload: PayloadContext;
  readonly #volumes: PodVolumes;
  #pod: Pod;
  #runners: ContainerRunner[] = [];
  #refreshing: NodeJS.Timeout | undefined;
  readonly #done: Promise<void>;

  constructor(agent: AgentContext, pod: Pod) {
    this.#agent = agent;
    this.#pod = pod;
    this.#folder = join(agent.config().folder, 'pods', pod.metadata.uid ?? pod.metadata.name);
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    this.#report = new StatusReport(agent.client, pod);
    this.#payload = { pod, address: '', objects: agent.objects, tokens: agent.tokens };
    this.#volumes = new PodVolumes(this.#folder, agent.client, this.#payload);
    this.#done = this.#live().catch((error: unknown) => {
      log('pod failed', { pod: this.#name, reason: reason(error) });
    });
  }

  get #name(): string {
    return `${this.#pod.metadata.namespace}/${this.#pod.metadata.name}`;
  }

  /** Takes note of a newer version of the object (labels in mounted files). */
  update(pod: Pod): void {
    this.#pod = pod;
    this.#payload.pod = pod;
  }

  /** Ends the Pod. @param graceMs 0 for one that is already gone from the API */
  async stop(graceMs: number): Promise<void> {
    if (this.#stopping.signal.aborted) return this.#done;
    log('pod stops', { pod: this.#name, graceMs });
    this.#stopping.abort();
    await Promise.all(this.#runners.map((runner) => runner.stop(graceMs)));
    await this.#done;
    await this.#report.flush();
    await rm(this.#folder, { recursive: true, force: true });
    this.#agent.tokens.forget(this.#pod);
  }

  async #live(): Promise<void> {
    const { metadata, spec } = this.#pod;
    const hostname = spec.hostname ?? metadata.name;
    const { holder, address } = await this.#agent.network.openPod(hostname.slice(0, 63));
    this.#payload.address = address;
    this.#report.address = address;
    const hostsName = `pod-${metadata.uid}`;
    const hostsFolder = this.#agent.services.addHosts(
      hostsName,
      metadata.namespace,
      podHosts(address, hostname),
    );
    chmodSync(hostsFolder, 0o755);
    this.#report.touch();
    const onChange = (namespace: string) => {
      if (namespace === metadata.namespace) this.#refreshSoon();
    };
    this.#agent.objects.on('change', onChange);
    const renewing = setInterval(() => this.#refreshSoon(), 60_000); // service account tokens
    try {
      const scope = this.#scope(address, holder.pid ?? -1, hostsFolder);
      await this.#prepareVolumes(scope);
      await this.#runContainers(scope);
    } finally {
      clearInterval(renewing);
      clearTimeout(this.#refreshing);
      this.#agent.objects.off('change', onChange);
      this.#agent.services.dropHosts(hostsName);
      holder.kill('SIGKILL');
    }
  }

  #scope(address: string, sandboxPid: number, hostsFolder: string): PodScope {
    const stopping = this.#stopping.signal;
    return {
      agent: this.#agent,
      pod: this.#pod,
      folder: this.#folder,
      volumes: this.#volumes,
      report: this.#report,
      address,
      sandboxPid,
      hostsFolder,
      stopping,
      change: async () => {
        const either = new AbortController();
        const signal = AbortSignal.any([stopping, either.signal]);
        const events = once(this.#agent.objects, 'change', { signal });
        await Promise.race([events, delay(1000, undefined, { signal })]).catch(() => {});
        either.abort();
        await events.catch(() => {});
      },
    };
  }

  async #prepareVolumes(scope: PodScope): Promise<void> {
    while (!scope.stopping.aborted) {
      try {
        await this.#volumes.prepare();
        return;
      } catch (error) {
        for (const status of [...this.#report.init, ...this.#report.containers]) {
          status.state = { waiting: { reason: 'ContainerCreating', message: reason(error) } };
        }
        this.#report.touch();
        await scope.change();
      }
    }
  }

  async #runContainers(scope: PodScope): Promise<void> {
    const { spec } = this.#pod;
    const policy = spec.restartPolicy ?? 'Always';
    for (const [index, container] of (spec.initContainers ?? []).entries()) {
      const status = this.#report.init[index];
      if (status === undefined || scope.stopping.aborted) return;
      const runner = new ContainerRunner(
        scope,
        container,
        status,
        policy === 'Never' ? 'Never' : 'OnFailure',
      );
      this.#runners = [runner];
      if (hasFailed(await runner.run())) return this.#finish('Failed');
      status.ready = true;
    }
    this.#report.isInitialized = true;
    this.#runners = spec.containers.flatMap((container, index) => {
      const status = this.#report.containers[index];
      return status === undefined ? [] : [new ContainerRunner(scope, container, status, policy)];
    });
    const exits = await Promise.all(this.#runners.map((runner) => runner.run()));
    this.#finish(exits.some(hasFailed) ? 'Failed' : 'Succeeded');
  }

  #finish(phase: 'Succeeded' | 'Failed'): void {
    this.#report.finished = phase;
    this.#report.touch();
  }

  /** After the delay of a real kubelet, so that nothing comes to rely on instant Secrets. */
  #refreshSoon(): void {
    if (this.#refreshing !== undefined) return;
    this.#refreshing = setTimeout(() => {
      this.#refreshing = undefined;
      this.#volumes.refresh().then(
        (changed) => changed.length > 0 && log('volumes updated', { pod: this.#name, changed }),
        (error: unknown) => log('volumes not updated', { pod: this.#name, reason: reason(error) }),
      );
    }, this.#agent.config().settings.mountDelayMs);
  }
}

function hasFailed(exit: Exit | undefined): boolean {
  return exit === undefined || exit.code !== 0 || exit.signal !== null;
}
