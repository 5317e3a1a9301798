/** The bytes of an outgoing message as a stream: signatures first, then what is stored. */
import { Readable } from 'node:stream';
import type { OutgoingMessage } from './target.ts';

/** Read only once the next hop has agreed to take data: from then on a lost connection leaves doubt. */
export class MessageSource extends Readable {
  readonly #chunks: AsyncIterator<Uint8Array>;
  begun = false;

  constructor(message: OutgoingMessage) {
    super();
    this.#chunks = chunksOf(message);
  }

  override _read(): void {
    this.begun = true;
    this.#chunks.next().then(
      ({ value, done }) => this.push(done ? null : value),
      (error: unknown) => this.destroy(error instanceof Error ? error : new Error(String(error))),
    );
  }
}

async function* chunksOf({ prefix, content }: OutgoingMessage): AsyncGenerator<Uint8Array> {
  if (prefix) yield Buffer.from(prefix, 'latin1');
  if (content.kind === 'inline') yield content.data;
  else yield* content.read();
}
