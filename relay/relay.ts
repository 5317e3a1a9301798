/** Puts the parts together and takes them down again; no decision of its own. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { relayApi } from '@migosmtp/operator/api';
import { type AdminServer, type HealthServer, startAdmin, startHealth } from './admin/index.ts';
import { readUsage } from './admin/usage.ts';
import { CertificateFiles } from './certificate.ts';
import { PasswordChecker, PolicySource, ShardFiles } from './credentials/index.ts';
import { Delivery, HeldMail, Signer } from './delivery/index.ts';
import type { Log } from './log.ts';
import { LoginUses } from './logins.ts';
import { createMetrics } from './metrics.ts';
import { Calendar, Directory } from './policy/index.ts';
import {
  Dialogue,
  type Listening,
  Lockout,
  newQueueId,
  SessionRegistry,
  startListeners,
} from './session/index.ts';
import { openEmbeddedSpool, type Spool, StoreHealth } from './spool/index.ts';

export interface RunningRelay {
  readonly ports: { starttls: number; tls: number; admin: number | null; health: number };
  /** Stops accepting, lets transactions and deliveries finish within the grace, closes the store. */
  stop(): Promise<void>;
}

const RETENTION_DEFAULT_S = 30 * 24 * 3_600;
const SWEEP_MS = 3_600_000;
const DEFAULT_MAX_SIZE = 25 * 1024 * 1024;

export async function startRelay(config: relayApi.RelayProcessConfig, log: Log): Promise<RunningRelay> {
  const { directory: storage } = config.storage;
  const [certificate, opened] = await Promise.all([
    CertificateFiles.load(config.tls, log),
    openEmbeddedSpool(storage),
  ]);
  if (opened.quarantined) log.error({ file: opened.quarantined }, 'the store was damaged and put aside');
  const relay = new Relay({ config, certificate, spool: opened.spool, log });
  try {
    await relay.start();
  } catch (error) {
    await relay.stop(0);
    throw error;
  }
  return { ports: relay.ports, stop: () => relay.stop(config.graceSeconds * 1_000) };
}

interface Parts {
  readonly config: relayApi.RelayProcessConfig;
  readonly certificate: CertificateFiles;
  readonly spool: Spool;
  readonly log: Log;
}

class Relay {
  readonly #parts: Parts;
  readonly #directory = new Directory();
  readonly #calendar = new Calendar();
  readonly #metrics = createMetrics();
  readonly #registry = new SessionRegistry();
  readonly #startedAt = new Date().toISOString();
  readonly #health: StoreHealth;
  readonly #logins: LoginUses;
  readonly #signer: Signer;
  readonly #delivery: Delivery;
  readonly #held: HeldMail;
  readonly #dialogue: Dialogue;
  readonly #source: PolicySource | undefined;
  #listening: Listening | undefined;
  #admin: AdminServer | undefined;
  #healthServer: HealthServer | undefined;
  #sweeper: NodeJS.Timeout | undefined;
  #stopping = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    const { config, spool, log } = parts;
    const directory = this.#directory;
    this.#logins = new LoginUses(spool, log);
    this.#signer = new Signer(log);
    this.#delivery = new Delivery({
      spool,
      directory,
      signer: this.#signer,
      metrics: this.#metrics,
      log,
      newQueueId,
    });
    const calendar = this.#calendar;
    this.#held = new HeldMail({ spool, directory, calendar, log, onReleased: () => this.#delivery.wake() });
    this.#health = new StoreHealth(spool, log, () => this.#delivery.wake());
    this.#dialogue = this.#createDialogue();
    if (config.policy.from === 'shards') {
      this.#source = new PolicySource({
        directory,
        files: new ShardFiles(join(config.storage.directory, 'shards')),
        mountDirectory: config.policy.directory,
        log,
      });
    }
  }

  get ports(): RunningRelay['ports'] {
    return {
      starttls: this.#listening?.ports.starttls ?? 0,
      tls: this.#listening?.ports.tls ?? 0,
      admin: this.#admin?.port ?? null,
      health: this.#healthServer?.port ?? 0,
    };
  }

  async start(): Promise<void> {
    const { config, certificate, log } = this.#parts;
    if (config.policy.from === 'inline') this.#directory.replace(0, config.policy);
    await this.#source?.start();
    this.#listening = await startListeners({
      listen: config.listen,
      certificate,
      handlers: this.#dialogue,
      settings: this.#listenerSettings(),
    });
    if (config.admin) this.#admin = await startAdmin(config.admin, this.#adminContext(), log);
    this.#healthServer = await startHealth({
      ...config.health,
      readiness: () => this.#problems(),
      metrics: () => this.#readMetrics(),
    });
    this.#source?.onChange(() => this.#directoryChanged());
    this.#directoryChanged();
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS);
    this.#sweeper.unref();
    this.#sweep();
  }

  async stop(graceMs: number): Promise<void> {
    const started = Date.now();
    this.#stopping = true;
    clearInterval(this.#sweeper);
    this.#listening?.stopAccepting();
    this.#held.stop();
    this.#source?.stop();
    await this.#registry.drain(graceMs);
    await this.#delivery.stop(Math.max(1_000, graceMs - (Date.now() - started)));
    await this.#signer.stop();
    await this.#logins.flush().catch(() => undefined);
    this.#health.stop();
    this.#admin?.close();
    this.#healthServer?.close();
    this.#parts.certificate.stop();
    await this.#parts.spool.close();
  }

  #createDialogue(): Dialogue {
    const held = this.#held;
    const delivery = this.#delivery;
    return new Dialogue({
      directory: this.#directory,
      calendar: this.#calendar,
      spool: this.#parts.spool,
      registry: this.#registry,
      lockout: new Lockout(),
      passwords: new PasswordChecker(),
      delivery: {
        get hasRoom() {
          return delivery.hasRoom;
        },
        take: (message) => delivery.take(message),
        wake: () => delivery.wake(),
        wasHeld: () => held.wake(),
      },
      metrics: this.#metrics,
      log: this.#parts.log,
      isComplete: () => this.#isComplete(),
      storeFailed: (error) => this.#health.failed(error),
      loginUsed: (account, verifierId) => this.#logins.used(account.id, verifierId),
      hostname: () => this.#hostname(),
    });
  }

  /** With shards missing, an account that we do not know may be suspended or its mail limited: nothing moves. */
  #directoryChanged(): void {
    this.#listening?.updateSettings(this.#listenerSettings());
    this.#dialogue.directoryChanged();
    if (!this.#isComplete()) return;
    this.#held.wake();
    this.#delivery.directoryChanged();
    if (this.#directory.domainCount > 0) this.#signer.warmUp();
  }

  #isComplete(): boolean {
    return this.#directory.settings !== undefined && (this.#source?.missing().length ?? 0) === 0;
  }

  #problems(): string[] {
    const missing = this.#source?.missing() ?? [];
    return [
      ...(this.#stopping ? ['stopping'] : []),
      ...(missing.length > 0 ? [`shards missing: ${missing.join(' ')}`] : []),
      ...(this.#directory.settings ? [] : ['no relay settings']),
      ...(this.#health.writable ? [] : ['the store does not take writes']),
    ];
  }

  #hostname(): string {
    return this.#directory.settings?.hostname ?? hostname();
  }

  #listenerSettings() {
    return {
      name: this.#hostname(),
      maxSize: this.#directory.settings?.messageLimits.maxSize ?? DEFAULT_MAX_SIZE,
    };
  }

  #adminContext() {
    const source = this.#source;
    return {
      spool: this.#parts.spool,
      push: source && ((shards: readonly relayApi.Shard[]) => source.push(shards)),
      state: () => this.#state(),
      usage: (query: { namespace?: string | undefined; account?: string | undefined }) =>
        readUsage(
          {
            directory: this.#directory,
            calendar: this.#calendar,
            spool: this.#parts.spool,
            lastLogins: () => this.#logins.all(),
          },
          query,
        ),
      queueChanged: () => this.#delivery.wake(),
    };
  }

  async #state(): Promise<relayApi.RelayState> {
    const { queued, held, oldestAcceptedAt } = await this.#parts.spool.stats();
    return {
      version: process.env.RELAY_VERSION ?? 'dev',
      pod: process.env.HOSTNAME ?? hostname(),
      startedAt: this.#startedAt,
      ready: this.#problems().length === 0,
      applied: this.#source?.applied() ?? {},
      missing: this.#source?.missing() ?? [],
      queue: { queued, held, oldestSeconds: age(oldestAcceptedAt) },
    };
  }

  async #readMetrics(): Promise<{ contentType: string; text: string }> {
    const metrics = this.#metrics;
    metrics.shardsMissing.set(this.#source?.missing().length ?? 0);
    metrics.storeWritable.set(this.#health.writable ? 1 : 0);
    metrics.ready.set(this.#problems().length === 0 ? 1 : 0);
    const stats = await this.#parts.spool.stats().catch(() => undefined);
    if (stats) {
      metrics.queue.set({ state: 'queued' }, stats.queued);
      metrics.queue.set({ state: 'held' }, stats.held);
      metrics.queueOldest.set(age(stats.oldestAcceptedAt));
    }
    return { contentType: metrics.registry.contentType, text: await metrics.registry.metrics() };
  }

  #sweep(): void {
    const keptS = this.#directory.settings?.retention.reportsSeconds ?? RETENTION_DEFAULT_S;
    const now = Date.now();
    this.#parts.spool.sweep(now - keptS * 1_000, now).then(
      (count) => count > 0 && this.#sweep(),
      (error: unknown) => this.#health.failed(error),
    );
  }
}

function age(acceptedAt: number | null): number {
  return acceptedAt === null ? 0 : Math.max(0, (Date.now() - acceptedAt) / 1_000);
}
