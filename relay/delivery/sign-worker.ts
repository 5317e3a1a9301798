/** The thread that signs: an RSA signature takes longer than everything else done for a small message. */
import { createReadStream } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { describeCause } from '../errors.ts';
import { BodyHash, signatureFields, type SigningKey } from './dkim.ts';
import type { Content } from './target.ts';

export interface SignRequest {
  readonly id: number;
  readonly content: Content;
  readonly headerSize: number;
  readonly keys: readonly SigningKey[];
}

export interface SignReply {
  readonly id: number;
  readonly fields: string;
  /** Keys that could not sign, by domain and selector; never the key. */
  readonly problems: readonly string[];
}

parentPort?.on('message', (request: SignRequest) => {
  reply(request).then(
    (answer) => parentPort?.postMessage(answer),
    (error: unknown) =>
      parentPort?.postMessage({ id: request.id, fields: '', problems: [describeCause(error)] }),
  );
});

async function reply({ id, content, headerSize, keys }: SignRequest): Promise<SignReply> {
  const { header, bodyHash } = await digest(content, headerSize);
  const problems: string[] = [];
  let fields = '';
  for (const key of keys) {
    try {
      fields += signatureFields(header, bodyHash, [key], Date.now());
    } catch {
      problems.push(`key ${key.selector} of ${key.domain} cannot sign`);
    }
  }
  return { id, fields, problems };
}

/** `headerSize` counts the empty line that ends the header. */
async function digest(content: Content, headerSize: number): Promise<{ header: string; bodyHash: string }> {
  const hash = new BodyHash();
  if (content.kind === 'inline') {
    const data = Buffer.from(content.data.buffer, content.data.byteOffset, content.data.byteLength);
    hash.update(data.subarray(headerSize));
    return { header: data.toString('latin1', 0, headerSize - 2), bodyHash: hash.digest() };
  }
  const header: Buffer[] = [];
  for await (const chunk of createReadStream(content.path, { end: headerSize - 3 }))
    header.push(chunk as Buffer);
  for await (const chunk of createReadStream(content.path, { start: headerSize }))
    hash.update(chunk as Buffer);
  return { header: Buffer.concat(header).toString('latin1'), bodyHash: hash.digest() };
}
