/**
 * One relay's shards: what was written, and what waits to be.
 *
 * A change is put into its shard's pending set; the next write of that shard takes all of them. Changes that come one
 * by one are written at once; in a wave a shard lingers after each write, so that many share one (pace.ts).
 * Written means: the API server has it. This process is the only writer; a conflict is answered by reading the shard
 * again and applying what is pending to what is there.
 */
import { relayApi, type SmtpRelay } from '../api/index.ts';
import { isKubeError, type KubeClient } from '../kube/index.ts';
import { isEqual, type Log } from '../runtime/index.ts';
import {
  copyOf,
  documentOf,
  mutate,
  presentValue,
  SETTINGS_SHARD,
  shardOf,
  type Entries,
  type EntryKind,
  type Mutation,
} from './entries.ts';
import { Pace } from './pace.ts';
import { writeShard } from './shard-secrets.ts';
import { giveUp, isRefusal, isUntouched, loadSlot, type Placement, type Slot } from './shard-slot.ts';
import { WrittenRevisions } from './written-revisions.ts';

export type { Placement } from './shard-slot.ts';

export interface ShardSetOptions {
  client: KubeClient;
  relay: SmtpRelay;
  log: Log;
  /** A shard was written: push it. */
  onWritten: (shard: number) => void;
}

const SHARDS = Array.from({ length: relayApi.SHARD_COUNT }, (_, shard) => shard);
const MOST_WRITES_AT_ONCE = 8;
const LONGEST_RETRY_MS = 5_000;
const CHECKED_AT_ONCE = 8;

export class ShardSet {
  readonly #options: ShardSetOptions;
  readonly #slots: Slot[];
  readonly #written = new WrittenRevisions();
  readonly #pace = new Pace(relayApi.SHARD_COUNT);
  #writes = 0;
  #isClosed = false;
  #nextCheck = 0;
  #highest = 0;

  private constructor(options: ShardSetOptions, slots: Slot[]) {
    this.#options = options;
    this.#slots = slots;
    for (const slot of slots) this.#highest = Math.max(this.#highest, slot.revision);
  }

  /** Read all shards; those that are missing are created before this resolves. */
  static async open(options: ShardSetOptions): Promise<ShardSet> {
    const slots = await Promise.all(SHARDS.map((shard) => loadSlot(options, shard)));
    const set = new ShardSet(options, slots);
    try {
      await Promise.all(
        slots.filter((slot) => slot.mustWrite).map((slot) => set.#enqueue(slot, undefined, true)),
      );
      return set;
    } catch (error) {
      set.close();
      throw error;
    }
  }

  /** Highest revision that was written. Revisions count through all shards of a relay. */
  get highestRevision(): number {
    return this.#highest;
  }

  revisionOf(shard: number): number {
    return this.#slots[shard]!.revision;
  }

  /** The relay's settings as they were written last. */
  get settings(): relayApi.RelaySettings | undefined {
    return this.#slots[SETTINGS_SHARD]!.content.settings;
  }

  /** The entry as it was written last. */
  get<K extends EntryKind>(kind: K, key: string): Entries[K] | undefined {
    return this.#slots[shardOf(kind, key)]!.content[kind].get(key) as Entries[K] | undefined;
  }

  /** All entries as they were written last. */
  *entries<K extends EntryKind>(kind: K): Generator<[string, Entries[K]], void, void> {
    for (const slot of this.#slots) yield* slot.content[kind] as Map<string, Entries[K]>;
  }

  count(kind: EntryKind): number {
    return this.#slots.reduce((sum, slot) => sum + slot.content[kind].size, 0);
  }

  /** Where the entry, or its absence, stands. */
  placementOf(kind: EntryKind, key: string): Placement {
    const shard = shardOf(kind, key);
    const { readRevision } = this.#slots[shard]!;
    return { shard, revision: this.#written.of(`${kind}/${key}`, shard, readRevision) };
  }

  /** The document as it was written last. */
  documentOf(shard: number): relayApi.Shard {
    const { content, revision } = this.#slots[shard]!;
    return documentOf(content, { relay: this.#identity, shard, revision });
  }

  /**
   * Resolves once it is written. Rejects when the API server refuses the shard for good, or for long: then nothing of
   * it waits any more, and whoever wants it decides anew.
   */
  put<K extends EntryKind>(
    kind: K,
    key: string,
    value: Entries[K] | undefined,
    options: { isUrgent?: boolean } = {},
  ): Promise<Placement> {
    const slot = this.#slots[shardOf(kind, key)]!;
    return this.#change(slot, { kind, key, value }, options.isUrgent === true);
  }

  putSettings(settings: relayApi.RelaySettings): Promise<Placement> {
    return this.#change(this.#slots[SETTINGS_SHARD]!, { kind: 'settings', key: '', value: settings }, true);
  }

  /** A pod holds a higher revision than was written (a restored backup): write above it. */
  raiseAbove(shard: number, revision: number): void {
    const slot = this.#slots[shard]!;
    if (slot.revision > revision) return;
    this.#highest = Math.max(this.#highest, revision);
    slot.mustWrite = true;
    void this.#enqueue(slot, undefined, true).catch(() => undefined);
  }

  /** Some Secrets at a time: one that somebody deleted or changed is written again. */
  async check(): Promise<void> {
    for (let count = 0; count < CHECKED_AT_ONCE; count++) {
      const slot = this.#slots[this.#nextCheck++ % SHARDS.length]!;
      if (slot.isWriting || slot.pending.size > 0) continue;
      if (await isUntouched(this.#options, slot)) continue;
      const { log, relay } = this.#options;
      log.warn(
        { relay: relay.metadata.name, shard: slot.shard },
        'the Secret of a shard was changed or deleted',
      );
      slot.mustWrite = true;
      await this.#enqueue(slot, undefined, true);
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const slot of this.#slots) {
      clearTimeout(slot.timer);
      for (const { reject } of slot.waiting.splice(0)) reject(new Error('the relay is gone'));
    }
  }

  get #identity(): relayApi.Shard['relay'] {
    const { namespace, name, uid } = this.#options.relay.metadata;
    return { namespace: namespace!, name, uid: uid! };
  }

  #change(slot: Slot, mutation: Mutation, isUrgent: boolean): Promise<Placement> {
    const id = `${mutation.kind}/${mutation.key}`;
    const isPending = slot.pending.has(id);
    if (!isPending && isEqual(presentValue(slot.content, mutation.kind, mutation.key), mutation.value)) {
      const revision = this.#written.of(id, slot.shard, slot.readRevision);
      return Promise.resolve({ shard: slot.shard, revision });
    }
    return this.#enqueue(slot, mutation, isUrgent);
  }

  #enqueue(slot: Slot, mutation: Mutation | undefined, isUrgent: boolean): Promise<Placement> {
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
    const pending = slot.pending;
    const waiting = slot.waiting;
    slot.pending = new Map();
    slot.waiting = [];
    slot.isUrgent = false;
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
      slot.mustWrite ||= pending.size === 0;
      const isKnown = await this.#recover(slot, error);
      if (isKnown && isRefusal(slot, error)) giveUp(slot, error);
    } finally {
      slot.writtenAt = performance.now();
      slot.isWriting = false;
      this.#writes--;
      this.#schedule(slot);
    }
  }

  async #commit(slot: Slot, pending: ReadonlyMap<string, Mutation>): Promise<void> {
    const content = copyOf(slot.content);
    for (const mutation of pending.values()) mutate(content, mutation);
    const revision = ++this.#highest;
    const document = documentOf(content, { relay: this.#identity, shard: slot.shard, revision });
    const { client, relay } = this.#options;
    slot.resourceVersion = await writeShard(client, relay, document, slot.resourceVersion);
    slot.content = content;
    slot.revision = revision;
    slot.mustWrite = false;
    for (const [id, { value }] of pending) {
      this.#written.note(id, { shard: slot.shard, revision, isAbsence: value === undefined });
    }
  }

  /** Whether what is stored is known again. */
  async #recover(slot: Slot, error: unknown): Promise<boolean> {
    const fields = { relay: this.#identity.name, shard: slot.shard, err: error };
    this.#options.log.warn(fields, 'shard was not written; it is read again and tried later');
    if (!isKubeError(error)) return false;
    try {
      const loaded = await loadSlot(this.#options, slot.shard, slot);
      slot.content = loaded.content;
      slot.revision = loaded.revision;
      slot.readRevision = loaded.revision;
      slot.resourceVersion = loaded.resourceVersion;
      this.#highest = Math.max(this.#highest, loaded.revision);
      return true;
    } catch (problem) {
      this.#options.log.info({ ...fields, err: problem }, 'shard was not read either');
      return false;
    }
  }
}
