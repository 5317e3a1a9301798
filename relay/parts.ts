/** Makes the parts of a relay and tells each of the others that it needs; nothing runs yet. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { relayApi } from '@migosmtp/operator/api';
import { type AdminContext, readUsage, ReportTail, sendTest } from './admin/index.ts';
import { BounceService } from './bounces/index.ts';
import type { CertificateFiles } from './certificate.ts';
import { PasswordChecker, PolicySource, ShardFiles } from './credentials/index.ts';
import { Delivery, HeldMail, Signer } from './delivery/index.ts';
import { HealthWatch } from './health/index.ts';
import type { Log } from './log.ts';
import { LoginUses } from './logins.ts';
import { createMetrics } from './metrics.ts';
import { Calendar, Directory } from './policy/index.ts';
import {
  type AcceptedHandOver,
  DEFAULT_MAX_SIZE,
  Dialogue,
  Lockout,
  Login,
  SessionRegistry,
  Submission,
  toDeadlines,
} from './session/index.ts';
import { type Spool, StoreHealth } from './spool/index.ts';
import { Status } from './status.ts';
import { Webhooks } from './webhooks/index.ts';

/** What is there before the parts are. */
export interface Given {
  readonly config: relayApi.RelayProcessConfig;
  readonly certificate: CertificateFiles;
  readonly spool: Spool;
  /** Signs return paths where the settings bring no key. */
  readonly ownKey: Buffer | undefined;
  readonly log: Log;
}

/** The order of the fields is the order in which they are made: closures alone look further down. */
export class Parts {
  readonly given: Given;
  readonly directory = new Directory();
  readonly calendar = new Calendar();
  readonly metrics = createMetrics();
  readonly tail = new ReportTail();
  readonly registry: SessionRegistry;
  readonly logins: LoginUses;
  readonly signer: Signer;
  readonly webhooks: Webhooks;
  readonly bounces: BounceService;
  readonly delivery: Delivery;
  readonly held: HeldMail;
  readonly health: StoreHealth;
  readonly watch: HealthWatch;
  /** Undefined where the policy stands in the configuration. */
  readonly source: PolicySource | undefined;
  readonly status: Status;
  readonly submission: Submission;
  readonly dialogue: Dialogue;

  constructor(given: Given) {
    this.given = given;
    const { config, spool, log } = given;
    const [directory, calendar, metrics] = [this.directory, this.calendar, this.metrics];
    this.registry = new SessionRegistry(config.sessions, toDeadlines(config.sessions));
    this.logins = new LoginUses(spool, log);
    this.signer = new Signer(log);
    this.webhooks = new Webhooks({ spool, directory, metrics, log });
    this.bounces = this.#createBounces();
    this.delivery = new Delivery({
      returnPaths: this.bounces.paths,
      dns: config.dns,
      spool,
      directory,
      signer: this.signer,
      metrics,
      log,
      webhooks: this.webhooks,
      tail: this.tail,
    });
    this.held = new HeldMail({ spool, directory, calendar, log, onReleased: () => this.delivery.wake() });
    this.health = new StoreHealth(spool, log, () => this.storeChanged());
    this.watch = this.#createWatch();
    this.source = this.#createSource();
    this.status = new Status({
      directory,
      spool,
      health: this.health,
      metrics,
      watch: this.watch,
      source: this.source,
    });
    this.submission = this.#createSubmission();
    this.dialogue = this.#createDialogue();
  }

  #createWatch(): HealthWatch {
    const { config, spool, log } = this.given;
    return new HealthWatch({
      spool,
      metrics: this.metrics,
      log,
      storageDirectory: config.storage.directory,
      queueStuckAfterMs: config.health.queueStuckAfterSeconds * 1_000,
      onClockJump: () => {
        this.delivery.clockJumped();
        this.held.wake();
        this.webhooks.directoryChanged();
      },
      onStoreFailed: (error) => this.health.failed(error),
    });
  }

  #createSource(): PolicySource | undefined {
    const { config, log } = this.given;
    if (config.policy.from !== 'shards') return undefined;
    return new PolicySource({
      directory: this.directory,
      files: new ShardFiles(join(config.storage.directory, 'shards')),
      mountDirectory: config.policy.directory,
      log,
    });
  }

  #createBounces(): BounceService {
    const { spool, log, ownKey } = this.given;
    return new BounceService({
      directory: this.directory,
      metrics: this.metrics,
      spool,
      log,
      ownKey,
      hostname: () => this.#hostname(),
      wake: () => this.delivery.wake(),
      storeFailed: (error) => this.health.failed(error),
      changing: (change) => this.webhooks.reportChanged(change),
      changed: ({ message, recipient, outcome, at }) => {
        this.tail.changed(message, recipient, outcome, at);
        this.webhooks.wake();
      },
    });
  }

  #createSubmission(): Submission {
    const { spool, log } = this.given;
    const shared = { directory: this.directory, registry: this.registry, metrics: this.metrics, log };
    return new Submission({
      ...shared,
      calendar: this.calendar,
      spool,
      delivery: handOver(this.delivery, this.held),
      storeFailed: (error) => this.health.failed(error),
      isStoreWritable: () => this.health.writable,
      hostname: () => this.#hostname(),
      tail: this.tail,
      limitReached: (scopes, account) => void this.webhooks.limitReached(scopes, account),
    });
  }

  #createDialogue(): Dialogue {
    const { log } = this.given;
    const shared = { directory: this.directory, registry: this.registry, metrics: this.metrics, log };
    return new Dialogue({
      ...shared,
      login: new Login({
        ...shared,
        lockout: new Lockout(),
        passwords: new PasswordChecker(),
        loginUsed: (account, verifierId) => this.logins.used(account.id, verifierId),
      }),
      submission: this.submission,
      isComplete: () => this.status.isComplete,
    });
  }

  /** Another relay on the same store let something go, held it, or is gone. */
  storeChanged(): void {
    if (!this.status.isComplete) return;
    this.held.wake();
    this.delivery.wake();
  }

  #hostname(): string {
    return this.directory.settings?.hostname ?? hostname();
  }

  listenerSettings() {
    const maxSize = this.directory.settings?.messageLimits.maxSize ?? DEFAULT_MAX_SIZE;
    return { name: this.#hostname(), maxSize };
  }

  adminContext(): AdminContext {
    const source = this.source;
    const { spool } = this.given;
    const lastLogins = () => this.logins.all();
    return {
      spool,
      push: source && ((shards) => source.push(shards)),
      state: () => this.status.state(),
      usage: (query) =>
        readUsage({ directory: this.directory, calendar: this.calendar, spool, lastLogins }, query),
      queueChanged: () => this.delivery.wake(),
      tail: this.tail,
      sendTest: (request) =>
        sendTest(
          {
            directory: this.directory,
            submission: this.submission,
            isComplete: () => this.status.isComplete,
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
