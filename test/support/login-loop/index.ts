/**
 * Logs in on every pod of a relay, again and again, with what a credentials Secret holds at that moment.
 * Role: shows that a published password works at every instant. Limits: one account for a loop.
 */
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Secrets, type Secret } from '../../../operator/kube/index.ts';
import type { Cluster } from '../../cluster/index.ts';
import { repository } from '../../cluster/images.ts';
import { Observer } from '../../integration/operator/support/observer.ts';
import type { Attempted, Question, Target } from './protocol.ts';

export type { Attempted, Target } from './protocol.ts';

const STARTTLS_PORT = 2587;

export interface LoopOptions {
  cluster: Cluster;
  namespace: string;
  /** Name of the credentials Secret. */
  secret: string;
  /** `namespace/name` of the relay. */
  relay: string;
}

export class LoginLoop {
  readonly #options: LoopOptions;
  readonly #child: ChildProcess;
  readonly #secrets: Observer<Secret>;
  readonly #waiting = new Map<number, (answer: unknown) => void>();
  #addresses: string[] = [];
  #questions = 0;

  private constructor(options: LoopOptions, child: ChildProcess, secrets: Observer<Secret>) {
    this.#options = options;
    this.#child = child;
    this.#secrets = secrets;
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const answer = JSON.parse(line) as { id: number };
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
    secrets.onChange(() => this.#use());
  }

  static async start(options: LoopOptions): Promise<LoginLoop> {
    const node = join(repository, 'node_modules/node/bin/node');
    const child = await options.cluster.spawn([node, join(import.meta.dirname, 'child.ts')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const secrets = await Observer.start(options.cluster, Secrets, options.namespace);
    return new LoginLoop(options, child, secrets);
  }

  /** The Secret as it was seen last, with the moment of its last change. */
  get published(): Secret | undefined {
    return this.#secrets.get(this.#options.namespace, this.#options.secret);
  }

  get revision(): string {
    return this.published?.metadata.annotations?.['migosmtp.com/credentials-revision'] ?? '';
  }

  /** Milliseconds until the Secret holds the password of this revision. */
  untilPublished(revision: string, timeoutMs = 30_000): Promise<number> {
    const { namespace, secret } = this.#options;
    const annotation = 'migosmtp.com/credentials-revision';
    return this.#secrets.until(
      namespace,
      secret,
      (object) => object?.metadata.annotations?.[annotation] === revision,
      timeoutMs,
    );
  }

  /** Reads which pods serve; to be repeated when pods have come or gone. */
  async lookForPods(): Promise<string[]> {
    const [namespace, name] = this.#options.relay.split('/');
    const path = `/api/v1/namespaces/${namespace}/pods?labelSelector=migosmtp.com/relay=${name}`;
    const { items } = await this.#options.cluster.api.get<{ items: PodStatus[] }>(path);
    this.#addresses = items.flatMap(({ metadata, status }) => {
      const isReady = status.conditions?.some((entry) => entry.type === 'Ready' && entry.status === 'True');
      const isServing = isReady === true && metadata.deletionTimestamp === undefined;
      return isServing && status.podIP !== undefined ? [status.podIP] : [];
    });
    this.#use();
    return this.#addresses;
  }

  begin(everyMs: number): void {
    this.#send({ do: 'start', everyMs });
  }

  /** What every login said that did not succeed; there should be none. */
  async end(): Promise<Attempted> {
    return (await this.#ask((id) => ({ do: 'stop', id }))) as Attempted;
  }

  /** The login that is published now. */
  get target(): Target {
    const data = this.published?.data ?? {};
    const text = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString();
    return {
      username: text('username'),
      password: text('password'),
      servername: text('host'),
      port: STARTTLS_PORT,
      ca: data['ca.crt'] === undefined ? undefined : text('ca.crt'),
      addresses: this.#addresses,
      revision: this.revision,
    };
  }

  /** When (Date.now) the first login began that was refused, on the last of the pods; -1: not within the time. */
  async untilRefused(target: Target, timeoutMs = 10_000): Promise<number> {
    const answer = await this.#ask((id) => ({ do: 'untilRefused', id, target, timeoutMs }));
    return (answer as { at: number }).at;
  }

  /** What each pod answers to one login. */
  async once(target: Target): Promise<string[]> {
    return ((await this.#ask((id) => ({ do: 'once', id, target }))) as { outcomes: string[] }).outcomes;
  }

  async stop(): Promise<void> {
    this.#child.stdin?.end();
    this.#child.kill('SIGTERM');
    await this.#secrets.stop();
  }

  #use(): void {
    if (this.revision !== '' && this.#addresses.length > 0) this.#send({ do: 'use', target: this.target });
  }

  #ask(question: (id: number) => Question): Promise<unknown> {
    const id = ++this.#questions;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#send(question(id));
    });
  }

  #send(question: Question): void {
    this.#child.stdin?.write(`${JSON.stringify(question)}\n`);
  }
}

interface PodStatus {
  metadata: { deletionTimestamp?: string };
  status: { podIP?: string; conditions?: { type: string; status: string }[] };
}
