/** Starts a relay's parts (parts.ts), keeps them in step with the directory, and takes them down again. */
import type { relayApi } from '@migosmtp/operator/api';
import { type AdminServer, type HealthServer, startAdmin, startHealth } from './admin/index.ts';
import { loadOwnKey } from './bounces/index.ts';
import { CertificateFiles } from './certificate.ts';
import type { Log } from './log.ts';
import { type Given, Parts } from './parts.ts';
import { startRetention } from './retention.ts';
import { type Listening, startListeners } from './session/index.ts';
import type { OpenedStore } from './spool/index.ts';

export interface RunningRelay {
  readonly ports: {
    starttls: number;
    tls: number;
    bounces: number | null;
    admin: number | null;
    health: number;
  };
  /** Puts another inline policy into force; sessions whose logins still hold are kept. */
  reloadPolicy(policy: relayApi.RelayProcessConfig['policy']): void;
  /** Stops accepting, lets transactions and deliveries finish within the grace, closes the store. */
  stop(): Promise<void>;
}

/** Throws RelayError where the configuration cannot be put into force. `opening` is the store, on its way. */
export async function startRelay(
  config: relayApi.RelayProcessConfig,
  opening: Promise<OpenedStore>,
  log: Log,
): Promise<RunningRelay> {
  const certificate = await CertificateFiles.load(config.tls, log);
  const opened = await opening;
  opened.onQuarantined?.((found) =>
    log.error({ ...found }, 'the store was damaged and put aside; what could be read of it goes on'),
  );
  const { policy, listen, storage } = config;
  const isAlone = policy.from === 'inline' && listen.bounces !== undefined;
  const ownKey = isAlone ? await loadOwnKey(storage.directory) : undefined;
  const relay = new Relay({ config, certificate, spool: opened.spool, ownKey, log });
  if (opened.unavailable) relay.storeFailed(opened.unavailable);
  try {
    await relay.start();
  } catch (error) {
    await relay.stop(0);
    throw error;
  }
  return {
    ports: relay.ports,
    reloadPolicy: (policy) => relay.reloadPolicy(policy),
    stop: () => relay.stop(config.graceSeconds * 1_000),
  };
}

class Relay {
  readonly #parts: Parts;
  #listening: Listening | undefined;
  #admin: AdminServer | undefined;
  #healthServer: HealthServer | undefined;
  #stopRetention = () => {};

  constructor(given: Given) {
    this.#parts = new Parts(given);
  }

  get ports(): RunningRelay['ports'] {
    return {
      starttls: this.#listening?.ports.starttls ?? 0,
      tls: this.#listening?.ports.tls ?? 0,
      bounces: this.#parts.bounces.port,
      admin: this.#admin?.port ?? null,
      health: this.#healthServer?.port ?? 0,
    };
  }

  async start(): Promise<void> {
    const { given, directory, source, bounces, status } = this.#parts;
    const { config, certificate, spool, log } = given;
    if (config.policy.from === 'inline') directory.replace(0, config.policy);
    await source?.start();
    this.#listening = await startListeners({
      listen: config.listen,
      certificate,
      handlers: this.#parts.dialogue,
      settings: this.#parts.listenerSettings(),
      limits: config.sessions,
    });
    await bounces.start(config.listen, certificate);
    if (config.admin) this.#admin = await startAdmin(config.admin, this.#parts.adminContext(), log);
    this.#healthServer = await startHealth({
      ...config.health,
      readiness: () => status.problems(),
      health: () => status.health(),
      metrics: () => status.metrics(),
    });
    source?.onChange(() => this.#directoryChanged());
    this.#directoryChanged();
    spool.watch({ changed: () => this.#parts.storeChanged(), failed: (error) => this.storeFailed(error) });
    this.#parts.watch.start();
    this.#stopRetention = startRetention(spool, directory, (error) => this.storeFailed(error));
  }

  /** Unready from now on, until the store works (again). */
  storeFailed(error: unknown): void {
    this.#parts.health.failed(error);
  }

  reloadPolicy(policy: relayApi.RelayProcessConfig['policy']): void {
    if (policy.from !== 'inline' || this.#parts.source) return;
    this.#parts.directory.replace(0, policy);
    this.#directoryChanged();
  }

  async stop(graceMs: number): Promise<void> {
    const startedMs = Date.now();
    const parts = this.#parts;
    parts.status.stopping();
    this.#stopRetention();
    this.#listening?.stopAccepting();
    parts.bounces.stop();
    parts.held.stop();
    parts.source?.stop();
    await parts.registry.drain(graceMs);
    await parts.delivery.stop(Math.max(0, graceMs - (Date.now() - startedMs)));
    await parts.signer.stop();
    await parts.logins.flush().catch(() => undefined);
    parts.health.stop();
    parts.watch.stop();
    parts.webhooks.stop();
    parts.tail.close();
    this.#admin?.close();
    this.#healthServer?.close();
    parts.given.certificate.stop();
    await parts.given.spool.close();
  }

  #directoryChanged(): void {
    const { directory, bounces, dialogue, status, held, delivery, webhooks, signer } = this.#parts;
    this.#listening?.updateSettings(this.#parts.listenerSettings());
    bounces.directoryChanged();
    dialogue.directoryChanged();
    if (!status.isComplete) return;
    held.wake();
    delivery.directoryChanged();
    webhooks.directoryChanged();
    if (directory.domainCount > 0) signer.warmUp();
  }
}
