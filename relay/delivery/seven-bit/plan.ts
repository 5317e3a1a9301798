/** Which parts have to be encoded, and how: the first of two readings. Pure. */
import { NotMime, type Part, type PartHeader, PartsReader } from './parts.ts';

export type Encoding = 'quoted-printable' | 'base64';
/** By index of the part. */
export type Plan = ReadonlyMap<number, Encoding>;

interface Content {
  readonly isFrozen: boolean;
  readonly header: PartHeader;
  size: number;
  /** Bytes that quoted-printable writes as three. */
  escaped: number;
  hasHighBytes: boolean;
}

/* eslint-disable no-control-regex -- bytes are what is looked at */
const HIGH = /[^\x00-\x7f]/;
const ESCAPED = /[^\t\r\n -<>-~]/g;
/* eslint-enable no-control-regex */
const IDENTITY = new Set(['', '7bit', '8bit', 'binary']);

export class Planner {
  readonly #contents = new Map<number, Content>();
  readonly #reader = new PartsReader({
    onHeader: (part, header) => this.#header(part, header),
    onContent: (part, line) => this.#content(part, line),
    onContentEnd: () => {},
    onOther: (line) => {
      if (HIGH.test(line)) throw new NotMime('8-bit text between parts');
    },
  });

  /** Throws NotMime. */
  line(line: string): void {
    this.#reader.line(line);
  }

  /** Throws NotMime. */
  end(): Plan {
    this.#reader.end();
    const plan = new Map<number, Encoding>();
    for (const [index, content] of this.#contents) {
      if (content.hasHighBytes) plan.set(index, encodingFor(content));
    }
    return plan;
  }

  #header(part: Part, header: PartHeader): void {
    if (header.fields.some(({ raw }) => HIGH.test(raw))) throw new NotMime('8-bit header field');
    if (header.isComposite && !IDENTITY.has(header.encoding))
      throw new NotMime('encoded parts within a part');
    const { isFrozen } = part;
    if (!header.isComposite) {
      this.#contents.set(part.index, { isFrozen, header, size: 0, escaped: 0, hasHighBytes: false });
    }
  }

  #content(part: Part, line: string): void {
    const content = this.#contents.get(part.index);
    if (!content) return;
    content.size += line.length;
    content.escaped += line.match(ESCAPED)?.length ?? 0;
    content.hasHighBytes ||= HIGH.test(line);
  }
}

function encodingFor({ isFrozen, header, size, escaped }: Content): Encoding {
  const { type, encoding } = header;
  if (isFrozen) throw new NotMime('8-bit content is signed or encrypted');
  if (!IDENTITY.has(encoding)) throw new NotMime(`8-bit content says that it is ${encoding}`);
  // RFC 2046 section 5.2, RFC 3464: these must be 7-bit as they are; RFC 6532 lets the others be encoded.
  if (type.startsWith('message/') && !type.startsWith('message/global')) {
    throw new NotMime(`${type} cannot be encoded`);
  }
  const isText = type === '' || type.startsWith('text/');
  // Readable as it is where most of it is ASCII; else base64 is shorter.
  return isText && escaped * 3 <= size ? 'quoted-printable' : 'base64';
}
