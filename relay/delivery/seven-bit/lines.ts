/** Content cut into lines, as many at a time as a chunk brings; latin1, each with its CRLF, which the last may lack. */
import type { WholeContent } from '../target.ts';

export async function* linesOf(content: WholeContent): AsyncGenerator<string[]> {
  let rest = '';
  for await (const chunk of chunksOf(content)) {
    const text = rest + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1');
    const lines: string[] = [];
    let start = 0;
    for (let at = text.indexOf('\r\n'); at !== -1; at = text.indexOf('\r\n', start)) {
      lines.push(text.slice(start, at + 2));
      start = at + 2;
    }
    rest = text.slice(start);
    yield lines;
  }
  if (rest !== '') yield [rest];
}

async function* chunksOf(content: WholeContent): AsyncGenerator<Uint8Array> {
  if (content.kind === 'inline') yield content.data;
  else yield* content.read();
}
