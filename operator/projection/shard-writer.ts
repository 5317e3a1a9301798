/**
 * Writes a relay's shards: what is pending for one goes with its next write, paced (pace.ts), tried again after failures.
 *
 * A conflict is answered by replacing what is there with what is known here and what is pending. What the server refuses for
 * good is given back to whoever wanted it.
 */
import { relayApi, type SmtpRelay } from '../api/index.ts';
import { isKubeError, type KubeClient } from '../kube/index.ts';
import type { Log } from '../runtime/index.ts';
import { copyOf, documentOf, mutate, type Mutation } from './entries.ts';
import { Pace } from './pace.ts';
import { removeShard, writeShard } from './shard-secrets.ts';
import { catchUp, giveUp, isRefusal, type Placement, type Slot } from './shard-slot.ts';
import { WrittenRevisions } from './written-revisions.ts';

export interface ShardSetOptions {
  client: KubeClient;
  relay: SmtpRelay;
  log: Log;
  /** A shard was written: push it. */
  onWritten: (shard: number) => void;
}

const MOST_WRITES_AT_ONCE = 8;
const LONGEST_RETRY_MS = 5_000;

export class ShardWriter {
  /** In which write each entry, or its absence, went. */
  readonly written = new WrittenRevisions();
  readonly #options: ShardSetOptions;
  readonly #pace = new Pace(relayApi.SHARD_COUNT);
  #writes = 0;
  #isClosed = false;
  #highest = 0;

  constructor(options: ShardSetOptions, slots: readonly Slot[]) {
    this.#options = options;
    for (const slot of slots) this.raise(slot.revision);
  }

  /** Highest revision that was written. Revisions count through all shards of a relay. */
  get highestRevision(): number {
    return this.#highest;
  }

  /** The next revision is above this one. */
  raise(revision: number): void {
    this.#highest = Math.max(this.#highest, revision);
  }

  /** A change, or without one the shard as it is. Resolves once it is written. */
  enqueue(slot: Slot, mutation: Mutation | undefined, isUrgent: boolean): Promise<Placement> {
    if (this.#isClosed) return Promise.reject(new Error('the relay is gone'));
    if (mutation !== undefined) {
      slot.pending.set(`${mutation.kind}/${mutation.key}`, mutation);
      this.#pace.count(performance.now());
    }
    slot.isUrgent ||= isUrgent;
    const { promise, resolve, reject } = Promise.withResolvers<Placement>();
    slot.waiting.push({ resolve, reject });
    this.#schedule(slot);
    return promise;
  }

  close(slots: readonly Slot[]): void {
    this.#isClosed = true;
    for (const slot of slots) {
      clearTimeout(slot.timer);
      for (const { reject } of slot.waiting.splice(0)) reject(new Error('the relay is gone'));
    }
  }

  get identity(): relayApi.Shard['relay'] {
    const { namespace, name, uid } = this.#options.relay.metadata;
    return { namespace: namespace!, name, uid: uid! };
  }

  #schedule(slot: Slot): void {
    if (slot.isWriting || this.#isClosed || (slot.pending.size === 0 && !slot.mustWrite)) return;
    clearTimeout(slot.timer);
    const delayMs = this.#delayMs(slot);
    if (delayMs > 0 || this.#writes >= MOST_WRITES_AT_ONCE) {
      slot.timer = setTimeout(() => this.#schedule(slot), Math.max(delayMs, 2));
      return;
    }
    void this.#write(slot);
  }

  #delayMs(slot: Slot): number {
    const now = performance.now();
    const { failures, writtenAt, pending, isUrgent } = slot;
    if (failures > 0) return writtenAt + Math.min(50 * 2 ** failures, LONGEST_RETRY_MS) - now;
    return this.#pace.waitMs({ now, writtenAt, pending: pending.size, isUrgent });
  }

  /** Write a shard with all that is pending for it. Never throws: what failed stays pending, but for what is refused. */
  async #write(slot: Slot): Promise<void> {
    const { pending, waiting, mustWrite } = slot;
    slot.pending = new Map();
    slot.writing = pending;
    slot.waiting = [];
    slot.isUrgent = false;
    // Before it goes: what makes another write necessary meanwhile is not answered by this one.
    slot.mustWrite = false;
    slot.isWriting = true;
    this.#writes++;
    try {
      await this.#commit(slot, pending);
      slot.failures = 0;
      slot.failingSince = undefined;
      for (const { resolve } of waiting) resolve({ shard: slot.shard, revision: slot.revision });
      this.#options.onWritten(slot.shard);
    } catch (error) {
      slot.failures++;
      slot.failingSince ??= performance.now();
      // What was changed again meanwhile wins over what failed.
      slot.pending = new Map([...pending, ...slot.pending]);
      slot.waiting.unshift(...waiting);
      slot.mustWrite ||= mustWrite || pending.size === 0;
      const isKnown = await this.#recover(slot, error);
      if (isKnown && isRefusal(slot, error)) giveUp(slot, error);
    } finally {
      slot.writtenAt = performance.now();
      slot.writing = new Map();
      slot.isWriting = false;
      this.#writes--;
      this.#schedule(slot);
    }
  }

  async #commit(slot: Slot, pending: ReadonlyMap<string, Mutation>): Promise<void> {
    const content = copyOf(slot.content);
    for (const mutation of pending.values()) mutate(content, mutation);
    const revision = ++this.#highest;
    const document = documentOf(content, { relay: this.identity, shard: slot.shard, revision });
    const { client, relay } = this.#options;
    if (slot.collectedUid !== undefined) {
      await removeShard(client, relay, slot.shard, slot.collectedUid);
      slot.collectedUid = undefined;
      slot.resourceVersion = undefined;
    }
    slot.resourceVersion = await writeShard(client, relay, document, slot.resourceVersion);
    slot.content = content;
    slot.revision = revision;
    slot.isKnown = true;
    for (const [id, { value }] of pending) {
      this.written.note(id, { shard: slot.shard, revision, isAbsence: value === undefined });
    }
  }

  /** Whether the version that is stored is known again. */
  async #recover(slot: Slot, error: unknown): Promise<boolean> {
    const fields = { relay: this.identity.name, shard: slot.shard, err: error };
    this.#options.log.warn(fields, 'shard was not written; it is read again and tried later');
    if (!isKubeError(error)) return false;
    try {
      this.raise(await catchUp(this.#options, slot));
      return true;
    } catch (problem) {
      this.#options.log.info({ ...fields, err: problem }, 'shard was not read either');
      return false;
    }
  }
}
