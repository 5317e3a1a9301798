/** The second reading: parts of the plan encoded, their headers saying so. */
import type { WholeContent } from '../target.ts';
import { Base64Encoder, type Encoder, QuotedPrintableEncoder } from './encoders.ts';
import { linesOf } from './lines.ts';
import { NotMime, type Part, type PartHeader, PartsReader } from './parts.ts';
import { type Plan, Planner } from './plan.ts';

export interface Converted {
  readonly content: WholeContent;
  readonly size: number;
  /** With the empty line that ends it. */
  readonly headerSize: number;
}

/** Undefined where the message cannot be 7-bit without more than its encoding changing. */
export async function toSevenBit(content: WholeContent): Promise<Converted | undefined> {
  const plan = await planOf(content);
  if (!plan) return undefined;
  const converter = new Converter(plan);
  if (content.kind === 'inline') {
    const parts: Buffer[] = [];
    for await (const part of converted(content, converter)) parts.push(part);
    const data = Buffer.concat(parts);
    return { content: { kind: 'inline', data }, size: data.length, headerSize: converter.headerSize };
  }
  let size = 0;
  for await (const part of converted(content, converter)) size += part.length;
  const read = () => converted(content, new Converter(plan));
  return { content: { kind: 'stored', read }, size, headerSize: converter.headerSize };
}

async function planOf(content: WholeContent): Promise<Plan | undefined> {
  const planner = new Planner();
  try {
    for await (const lines of linesOf(content)) for (const line of lines) planner.line(line);
    return planner.end();
  } catch (error) {
    if (error instanceof NotMime) return undefined;
    throw error;
  }
}

async function* converted(content: WholeContent, converter: Converter): AsyncGenerator<Buffer> {
  for await (const lines of linesOf(content)) yield converter.lines(lines);
  yield converter.end();
}

class Converter {
  readonly #plan: Plan;
  readonly #reader: PartsReader;
  #out: string[] = [];
  #encoder: Encoder | undefined;
  #headerSize = 0;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#reader = new PartsReader({
      onHeader: (part, header, end) => this.#header(part, header, end),
      onContent: (_, line) => this.#out.push(this.#encoder ? this.#encoder.line(line) : line),
      onContentEnd: (_, hasDelimiter) => this.#contentEnd(hasDelimiter),
      onOther: (line) => this.#out.push(line),
    });
  }

  get headerSize(): number {
    return this.#headerSize;
  }

  lines(lines: readonly string[]): Buffer {
    for (const line of lines) this.#reader.line(line);
    return this.#taken();
  }

  end(): Buffer {
    this.#reader.end();
    return this.#taken();
  }

  #taken(): Buffer {
    const out = this.#out;
    this.#out = [];
    return Buffer.from(out.join(''), 'latin1');
  }

  #header(part: Part, header: PartHeader, end: string): void {
    const encoding = this.#plan.get(part.index);
    const text = rewritten(part, header, encoding);
    if (encoding) this.#encoder = encoding === 'base64' ? new Base64Encoder() : new QuotedPrintableEncoder();
    if (part.index === 0) this.#headerSize = text.length + end.length;
    this.#out.push(text, end);
  }

  #contentEnd(hasDelimiter: boolean): void {
    if (this.#encoder) this.#out.push(this.#encoder.end(hasDelimiter));
    this.#encoder = undefined;
  }
}

function rewritten(part: Part, header: PartHeader, encoding: string | undefined): string {
  const { fields, type } = header;
  const isRelabelled = !part.isFrozen && ['8bit', 'binary'].includes(header.encoding);
  const label = encoding ?? (isRelabelled ? '7bit' : undefined);
  const lines = fields.map(({ name, raw }) =>
    name === 'content-transfer-encoding' && label !== undefined ? encodingField(label) : raw,
  );
  const isMime = fields.some(({ name }) => name === 'mime-version');
  const mustBeMime = part.index === 0 || (part.isMessage && label !== undefined);
  if (mustBeMime && !isMime) lines.push('MIME-Version: 1.0\r\n');
  // RFC 1428 section 3: nobody has said what the bytes mean.
  if (encoding && type === '') lines.push('Content-Type: text/plain; charset=unknown-8bit\r\n');
  if (encoding && header.encoding === '' && !hasEncoding(header)) lines.push(encodingField(encoding));
  return lines.join('');
}

function hasEncoding({ fields }: PartHeader): boolean {
  return fields.some(({ name }) => name === 'content-transfer-encoding');
}

function encodingField(encoding: string): string {
  return `Content-Transfer-Encoding: ${encoding}\r\n`;
}
