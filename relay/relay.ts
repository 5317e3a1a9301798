/** Puts the parts together, keeps them in step with the directory, and takes them down again. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { relayApi } from '@migosmtp/operator/api';
import {
  type AdminContext,
  type AdminServer,
  type HealthServer,
  readUsage,
  ReportTail,
  sendTest,
  startAdmin,
  startHealth,
} from './admin/index.ts';
import { BounceService, loadOwnKey } from './bounces/index.ts';
import { CertificateFiles } from './certificate.ts';
import { PasswordChecker, PolicySource, ShardFiles } from './credentials/index.ts';
import { Delivery, HeldMail, Signer } from './delivery/index.ts';
import { HealthWatch } from './health/index.ts';
import type { Log } from './log.ts';
import { LoginUses } from './logins.ts';
import { createMetrics } from './metrics.ts';
import { Calendar, Directory } from './policy/index.ts';
import { startRetention } from './retention.ts';
import {
  type AcceptedHandOver,
  DEFAULT_MAX_SIZE,
  Dialogue,
  type Listening,
  Lockout,
  Login,
  SessionRegistry,
  startListeners,
  toDeadlines,
  Submission,
} from './session/index.ts';
import { type OpenedStore, type Spool, StoreHealth } from './spool/index.ts';
import { Status } from './status.ts';
import { Webhooks } from './webhooks/index.ts';

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

interface Parts {
  readonly config: relayApi.RelayProcessConfig;
  readonly certificate: CertificateFiles;
  readonly spool: Spool;
  /** Signs return paths where the settings bring no key. */
  readonly ownKey: Buffer | undefined;
  readonly log: Log;
}

class Relay {
  readonly #parts: Parts;
  readonly #directory = new Directory();
  readonly #calendar = new Calendar();
  readonly #metrics = createMetrics();
  readonly #registry: SessionRegistry;
  readonly #health: StoreHealth;
  readonly #watch: HealthWatch;
  readonly #webhooks: Webhooks;
  readonly #tail = new ReportTail();
  readonly #logins: LoginUses;
  readonly #signer: Signer;
  readonly #bounces: BounceService;
  readonly #delivery: Delivery;
  readonly #held: HeldMail;
  readonly #source: PolicySource | undefined;
  readonly #status: Status;
  readonly #submission: Submission;
  readonly #dialogue: Dialogue;
  #listening: Listening | undefined;
  #admin: AdminServer | undefined;
  #healthServer: HealthServer | undefined;
  #stopRetention = () => {};

  constructor(parts: Parts) {
    this.#parts = parts;
    const { spool, log } = parts;
    const [directory, calendar, metrics] = [this.#directory, this.#calendar, this.#metrics];
    this.#registry = new SessionRegistry(parts.config.sessions, toDeadlines(parts.config.sessions));
    this.#logins = new LoginUses(spool, log);
    this.#signer = new Signer(log);
    this.#webhooks = new Webhooks({ spool, directory, metrics, log });
    this.#bounces = this.#createBounces();
    this.#delivery = new Delivery({
      returnPaths: this.#bounces.paths,
      dns: parts.config.dns,
      spool,
      directory,
      signer: this.#signer,
      metrics,
      log,
      webhooks: this.#webhooks,
      tail: this.#tail,
    });
    this.#held = new HeldMail({ spool, directory, calendar, log, onReleased: () => this.#delivery.wake() });
    this.#health = new StoreHealth(spool, log, () => this.#storeChanged());
    this.#watch = this.#createWatch();
    this.#source = this.#createSource();
    this.#status = new Status({
      directory,
      spool,
      health: this.#health,
      metrics,
      watch: this.#watch,
      source: this.#source,
    });
    this.#submission = this.#createSubmission();
    this.#dialogue = this.#createDialogue();
  }

  get ports(): RunningRelay['ports'] {
    return {
      starttls: this.#listening?.ports.starttls ?? 0,
      tls: this.#listening?.ports.tls ?? 0,
      bounces: this.#bounces.port,
      admin: this.#admin?.port ?? null,
      health: this.#healthServer?.port ?? 0,
    };
  }

  async start(): Promise<void> {
    const { config, certificate, spool, log } = this.#parts;
    if (config.policy.from === 'inline') this.#directory.replace(0, config.policy);
    await this.#source?.start();
    const settings = this.#listenerSettings();
    this.#listening = await startListeners({
      listen: config.listen,
      certificate,
      handlers: this.#dialogue,
      settings,
      limits: config.sessions,
    });
    await this.#bounces.start(config.listen, certificate);
    if (config.admin) this.#admin = await startAdmin(config.admin, this.#adminContext(), log);
    this.#healthServer = await startHealth({
      ...config.health,
      readiness: () => this.#status.problems(),
      health: () => this.#status.health(),
      metrics: () => this.#status.metrics(),
    });
    this.#source?.onChange(() => this.#directoryChanged());
    this.#directoryChanged();
    spool.watch({ changed: () => this.#storeChanged(), failed: (error) => this.storeFailed(error) });
    this.#watch.start();
    this.#stopRetention = startRetention(spool, this.#directory, (error) => this.#health.failed(error));
  }

  /** Unready from now on, until the store works (again). */
  storeFailed(error: unknown): void {
    this.#health.failed(error);
  }

  reloadPolicy(policy: relayApi.RelayProcessConfig['policy']): void {
    if (policy.from !== 'inline' || this.#source) return;
    this.#directory.replace(0, policy);
    this.#directoryChanged();
  }

  async stop(graceMs: number): Promise<void> {
    const startedMs = Date.now();
    this.#status.stopping();
    this.#stopRetention();
    this.#listening?.stopAccepting();
    this.#bounces.stop();
    this.#held.stop();
    this.#source?.stop();
    await this.#registry.drain(graceMs);
    await this.#delivery.stop(Math.max(0, graceMs - (Date.now() - startedMs)));
    await this.#signer.stop();
    await this.#logins.flush().catch(() => undefined);
    this.#health.stop();
    this.#watch.stop();
    this.#webhooks.stop();
    this.#tail.close();
    this.#admin?.close();
    this.#healthServer?.close();
    this.#parts.certificate.stop();
    await this.#parts.spool.close();
  }

  #createWatch(): HealthWatch {
    const { config, spool, log } = this.#parts;
    return new HealthWatch({
      spool,
      metrics: this.#metrics,
      log,
      storageDirectory: config.storage.directory,
      queueStuckAfterMs: config.health.queueStuckAfterSeconds * 1_000,
      onClockJump: () => {
        this.#delivery.clockJumped();
        this.#held.wake();
        this.#webhooks.directoryChanged();
      },
      onStoreFailed: (error) => this.#health.failed(error),
    });
  }

  #createSource(): PolicySource | undefined {
    const { config, log } = this.#parts;
    if (config.policy.from !== 'shards') return undefined;
    return new PolicySource({
      directory: this.#directory,
      files: new ShardFiles(join(config.storage.directory, 'shards')),
      mountDirectory: config.policy.directory,
      log,
    });
  }

  #createBounces(): BounceService {
    const { spool, log, ownKey } = this.#parts;
    return new BounceService({
      directory: this.#directory,
      metrics: this.#metrics,
      spool,
      log,
      ownKey,
      hostname: () => this.#hostname(),
      wake: () => this.#delivery.wake(),
      storeFailed: (error) => this.#health.failed(error),
      changing: (change) => this.#webhooks.reportChanged(change),
      changed: ({ message, recipient, outcome, at }) => {
        this.#tail.changed(message, recipient, outcome, at);
        this.#webhooks.wake();
      },
    });
  }

  #createSubmission(): Submission {
    const { spool, log } = this.#parts;
    const shared = { directory: this.#directory, registry: this.#registry, metrics: this.#metrics, log };
    return new Submission({
      ...shared,
      calendar: this.#calendar,
      spool,
      delivery: handOver(this.#delivery, this.#held),
      storeFailed: (error) => this.#health.failed(error),
      isStoreWritable: () => this.#health.writable,
      hostname: () => this.#hostname(),
      tail: this.#tail,
      limitReached: (scopes, account) => void this.#webhooks.limitReached(scopes, account),
    });
  }

  #createDialogue(): Dialogue {
    const { log } = this.#parts;
    const shared = { directory: this.#directory, registry: this.#registry, metrics: this.#metrics, log };
    return new Dialogue({
      ...shared,
      login: new Login({
        ...shared,
        lockout: new Lockout(),
        passwords: new PasswordChecker(),
        loginUsed: (account, verifierId) => this.#logins.used(account.id, verifierId),
      }),
      submission: this.#submission,
      isComplete: () => this.#status.isComplete,
    });
  }

  /** Another relay on the same store let something go, held it, or is gone. */
  #storeChanged(): void {
    if (!this.#status.isComplete) return;
    this.#held.wake();
    this.#delivery.wake();
  }

  #directoryChanged(): void {
    this.#listening?.updateSettings(this.#listenerSettings());
    this.#bounces.directoryChanged();
    this.#dialogue.directoryChanged();
    if (!this.#status.isComplete) return;
    this.#held.wake();
    this.#delivery.directoryChanged();
    this.#webhooks.directoryChanged();
    if (this.#directory.domainCount > 0) this.#signer.warmUp();
  }

  #hostname(): string {
    return this.#directory.settings?.hostname ?? hostname();
  }

  #listenerSettings() {
    const maxSize = this.#directory.settings?.messageLimits.maxSize ?? DEFAULT_MAX_SIZE;
    return { name: this.#hostname(), maxSize };
  }

  #adminContext(): AdminContext {
    const source = this.#source;
    const { spool } = this.#parts;
    const lastLogins = () => this.#logins.all();
    return {
      spool,
      push: source && ((shards) => source.push(shards)),
      state: () => this.#status.state(),
      usage: (query) =>
        readUsage({ directory: this.#directory, calendar: this.#calendar, spool, lastLogins }, query),
      queueChanged: () => this.#delivery.wake(),
      tail: this.#tail,
      sendTest: (request) =>
        sendTest(
          {
            directory: this.#directory,
            submission: this.#submission,
            isComplete: () => this.#status.isComplete,
          },
          request,
        ),
    };
  }
}

function handOver(delivery: Delivery, held: HeldMail): AcceptedHandOver {
  return {
    hasRoomFor: (accountId) => delivery.hasRoomFor(accountId),
    take: (message) => delivery.take(message),
    wake: () => delivery.wake(),
    wasHeld: () => held.wake(),
  };
}
