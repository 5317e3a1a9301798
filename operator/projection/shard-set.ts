/**
 * One relay's shards: what was written, and what waits to be.
 *
 * A change is put into its shard's pending set; the next write of that shard takes all of them (shard-writer.ts). Changes
 * that come one by one are written at once; in a wave a shard lingers after each write, so that many share one (pace.ts).
 * Written means: the API server has it. This process is the only writer.
 */
import { relayApi } from '../api/index.ts';
import { isEqual } from '../runtime/index.ts';
import {
  documentOf,
  presentValue,
  SETTINGS_SHARD,
  shardOf,
  type Entries,
  type EntryKind,
  type Mutation,
} from './entries.ts';
import { isUntouched, loadSlot, type Placement, type Slot } from './shard-slot.ts';
import { ShardWriter, type ShardSetOptions } from './shard-writer.ts';

export type { Placement } from './shard-slot.ts';

const SHARDS = Array.from({ length: relayApi.SHARD_COUNT }, (_, shard) => shard);
const CHECKED_AT_ONCE = 8;

export class ShardSet {
  readonly #options: ShardSetOptions;
  readonly #slots: Slot[];
  readonly #writer: ShardWriter;
  #nextCheck = 0;

  private constructor(options: ShardSetOptions, slots: Slot[]) {
    this.#options = options;
    this.#slots = slots;
    this.#writer = new ShardWriter(options, slots);
  }

  /** Read all shards; those that are missing are created before this resolves. */
  static async open(options: ShardSetOptions): Promise<ShardSet> {
    const slots = await Promise.all(SHARDS.map((shard) => loadSlot(options, shard)));
    const set = new ShardSet(options, slots);
    try {
      await Promise.all(
        slots.filter((slot) => slot.mustWrite).map((slot) => set.#writer.enqueue(slot, undefined, true)),
      );
      return set;
    } catch (error) {
      set.close();
      throw error;
    }
  }

  /** Highest revision that was written. Revisions count through all shards of a relay. */
  get highestRevision(): number {
    return this.#writer.highestRevision;
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
    return { shard, revision: this.#writer.written.of(`${kind}/${key}`, shard, readRevision) };
  }

  /** The document as it was written last. */
  documentOf(shard: number): relayApi.Shard {
    const { content, revision } = this.#slots[shard]!;
    return documentOf(content, { relay: this.#writer.identity, shard, revision });
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
    this.#writer.raise(revision);
    slot.mustWrite = true;
    void this.#writer.enqueue(slot, undefined, true).catch(() => undefined);
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
      await this.#writer.enqueue(slot, undefined, true);
    }
  }

  close(): void {
    this.#writer.close(this.#slots);
  }

  #change(slot: Slot, mutation: Mutation, isUrgent: boolean): Promise<Placement> {
    const id = `${mutation.kind}/${mutation.key}`;
    const isMoving = slot.pending.has(id) || slot.writing.has(id);
    if (!isMoving && isEqual(presentValue(slot.content, mutation.kind, mutation.key), mutation.value)) {
      const revision = this.#writer.written.of(id, slot.shard, slot.readRevision);
      return Promise.resolve({ shard: slot.shard, revision });
    }
    return this.#writer.enqueue(slot, mutation, isUrgent);
  }
}
