/** The shard table: which revision of each document is in force, and which are still missing. Pure. */
import { relayApi } from '@migosmtp/operator/api';
import { RelayError } from '../errors.ts';

/** What tells documents of a shard apart. */
type ShardHead = Pick<relayApi.Shard, 'relay' | 'shard' | 'revision'>;

const headSchema = relayApi.shardSchema.pick({ relay: true, shard: true, revision: true });

export class ShardTable {
  readonly #shards = new Map<number, relayApi.Shard>();

  get(index: number): relayApi.Shard | undefined {
    return this.#shards.get(index);
  }

  /**
   * True where `shard` is to be taken: unknown so far, a higher revision, or of another relay object (one that
   * was deleted and created anew counts its revisions from 1 again).
   */
  isNewer(shard: ShardHead): boolean {
    const held = this.#shards.get(shard.shard);
    return held === undefined || held.relay.uid !== shard.relay.uid || shard.revision > held.revision;
  }

  set(shard: relayApi.Shard): void {
    this.#shards.set(shard.shard, shard);
  }

  applied(): Record<string, number> {
    return Object.fromEntries([...this.#shards].map(([index, shard]) => [String(index), shard.revision]));
  }

  missing(): number[] {
    const missing: number[] = [];
    for (let index = 0; index < relayApi.SHARD_COUNT; index++) {
      if (!this.#shards.has(index)) missing.push(index);
    }
    return missing;
  }
}

/** Parses a document; the error names the source and the field, never a value. */
export function parseShard(text: string, source: string): relayApi.Shard {
  return checkShard(jsonOf(text, source), source);
}

/** The same where the document is newer than what is held; to check one costs far more than to read its revision. */
export function parseNewer(text: string, source: string, table: ShardTable): relayApi.Shard | undefined {
  const json = jsonOf(text, source);
  const head = headSchema.safeParse(json);
  if (head.success && !table.isNewer(head.data)) return undefined;
  return checkShard(json, source);
}

function jsonOf(text: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, which holds keys.
    throw new RelayError('R_SHARD_INVALID', { source, cause: 'not valid JSON' });
  }
}

function checkShard(json: unknown, source: string): relayApi.Shard {
  const result = relayApi.shardSchema.safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const cause = `${issue?.path.map(String).join('.') || '(root)'}: ${issue?.code ?? 'invalid'}`;
  throw new RelayError('R_SHARD_INVALID', { source, cause });
}
