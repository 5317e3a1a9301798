import { setTimeout as delay } from 'node:timers/promises';
import type { RunningContainer } from './container.ts';
import { log } from './log.ts';
import type { NetworkHelper } from './network-helper.ts';
import type { Container, Probe } from './types.ts';

/** What probes find out about one run of a container. */
export interface ProbeEvents {
  started(): void;
  ready(isReady: boolean): void;
  /** The container is to be killed; `which` probe and its last words. */
  failed(which: 'startup' | 'liveness', message: string): void;
}

interface Probed {
  container: Container;
  running: RunningContainer;
  address: string;
  helper: NetworkHelper;
  /** Of the Pod and container, for the log. */
  name: string;
  signal: AbortSignal;
}

/** Probes a container from its start until `signal`: startup first, then liveness and readiness side by side. */
export async function probeContainer(probed: Probed, events: ProbeEvents): Promise<void> {
  const { startupProbe, livenessProbe, readinessProbe } = probed.container;
  if (startupProbe !== undefined) {
    const outcome = await follow(probed, startupProbe, 'startup', (isPassing) => !isPassing);
    if (outcome === 'aborted') return;
    if (outcome !== 'passed') return events.failed('startup', outcome.message);
  }
  events.started();
  if (readinessProbe === undefined) events.ready(true);
  else void follow(probed, readinessProbe, 'readiness', (isPassing) => (events.ready(isPassing), true));
  if (livenessProbe === undefined) return;
  const outcome = await follow(probed, livenessProbe, 'liveness', (isPassing) => isPassing);
  if (outcome !== 'aborted' && outcome !== 'passed') events.failed('liveness', outcome.message);
}

type Outcome = 'aborted' | 'passed' | { message: string };

/** Probes on and on; each time a threshold is reached, `goOn` says whether to continue. */
async function follow(
  probed: Probed,
  probe: Probe,
  which: string,
  goOn: (isPassing: boolean) => boolean,
): Promise<Outcome> {
  const period = (probe.periodSeconds ?? 10) * 1000;
  let passes = 0;
  let failures = 0;
  try {
    // A short first wait: most servers listen well within it, and readiness is what rollouts wait for.
    await delay((probe.initialDelaySeconds ?? 0) * 1000 + 100, undefined, { signal: probed.signal });
    for (;;) {
      const failure = await once(probed, probe);
      if (probed.signal.aborted) return 'aborted';
      if (failure !== undefined) log('probe failed', { pod: probed.name, which, failure });
      passes = failure === undefined ? passes + 1 : 0;
      failures = failure === undefined ? 0 : failures + 1;
      const isPassing = passes >= (probe.successThreshold ?? 1);
      const isFailing = failures >= (probe.failureThreshold ?? 3);
      if (isPassing && !goOn(true)) return 'passed';
      if (isFailing && !goOn(false)) return { message: failure ?? '' };
      if (isFailing && which === 'startup') return { message: failure ?? '' };
      // Until something has passed once, ask often: a period of 10 s must not make every start last 10 s.
      const isFirst = passes === 0 && which !== 'liveness' && failures < 100;
      await delay(isFirst && which === 'readiness' ? Math.min(period, 250) : period, undefined, {
        signal: probed.signal,
      });
    }
  } catch {
    return 'aborted';
  }
}

async function once(
  { container, running, address, helper }: Probed,
  probe: Probe,
): Promise<string | undefined> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
  if (probe.exec !== undefined) return running.exec(probe.exec.command, timeoutMs);
  if (probe.tcpSocket !== undefined) {
    const { host, port } = probe.tcpSocket;
    return helper.probe({ host: host ?? address, port: portNumber(container, port), timeoutMs });
  }
  if (probe.httpGet === undefined) return undefined;
  const { host, port, path, scheme, httpHeaders } = probe.httpGet;
  return helper.probe(
    { host: host ?? address, port: portNumber(container, port), timeoutMs },
    {
      scheme: scheme?.toLowerCase() === 'https' ? 'https' : 'http',
      path: path ?? '/',
      headers: Object.fromEntries((httpHeaders ?? []).map(({ name, value }) => [name, value])),
    },
  );
}

function portNumber(container: Container, port: number | string): number {
  if (typeof port === 'number') return port;
  return container.ports?.find(({ name }) => name === port)?.containerPort ?? Number(port);
}
