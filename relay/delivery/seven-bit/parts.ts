/** The parts of a message (RFC 2045, 2046) as they go by, line by line. Lines are latin1 with their CRLF: nothing is lost. */
import { type HeaderField, parseHeader, unfold } from '../../message/header.ts';

export interface Part {
  /** In the order in which headers appear: the same in every reading of the same bytes. */
  readonly index: number;
  /** The message itself, or one within a message/rfc822. */
  readonly isMessage: boolean;
  /** Within a part whose content is signed or encrypted as it stands (RFC 1847). */
  readonly isFrozen: boolean;
}

export interface PartHeader {
  readonly fields: readonly HeaderField[];
  /** Lower case; empty: not given. */
  readonly type: string;
  /** Content-Transfer-Encoding in lower case; empty: not given. */
  readonly encoding: string;
  readonly isComposite: boolean;
}

export interface PartsSink {
  /** `end`: the empty line behind the header; empty where a delimiter came in its place. */
  onHeader(part: Part, header: PartHeader, end: string): void;
  /** Content of a part without parts of its own. */
  onContent(part: Part, line: string): void;
  /** `hasDelimiter`: the last line end before belongs to the delimiter (RFC 2046 section 5.1.1). */
  onContentEnd(part: Part, hasDelimiter: boolean): void;
  /** Delimiters, and what stands before the first and behind the last one. */
  onOther(line: string): void;
}

/** What cannot be read as MIME: nothing may be changed then. */
export class NotMime extends Error {}

const MAX_DEPTH = 50;
const MAX_HEADER_LINES = 5_000;
const UNTOUCHABLE = new Set(['multipart/signed', 'multipart/encrypted']);

interface Open {
  readonly boundary: string;
  readonly isFrozen: boolean;
}

export class PartsReader {
  readonly #sink: PartsSink;
  #open: Open[] = [];
  #depth = 0;
  #count = 0;
  #part: Part;
  #header: string[] | undefined = [];
  /** Whether lines are content of `#part`. */
  #isContent = false;

  constructor(sink: PartsSink) {
    this.#sink = sink;
    this.#part = this.#next(true, false);
  }

  /** Throws NotMime. */
  line(line: string): void {
    const delimiter = line.startsWith('--') ? this.#delimiter(line) : undefined;
    if (delimiter) this.#delimited(line, delimiter);
    else if (this.#header && line === '\r\n') this.#endHeader(line);
    else if (this.#header) this.#collect(this.#header, line);
    else if (this.#isContent) this.#sink.onContent(this.#part, line);
    else this.#sink.onOther(line);
  }

  /** Throws NotMime. */
  end(): void {
    if (this.#header) this.#endHeader('');
    this.#endContent(false);
  }

  #next(isMessage: boolean, isFrozen: boolean): Part {
    return { index: this.#count++, isMessage, isFrozen };
  }

  #collect(header: string[], line: string): void {
    if (header.push(line) > MAX_HEADER_LINES) throw new NotMime('a header of a part is too long');
  }

  /** An outer delimiter also ends what is within, finished or not. */
  #delimiter(line: string): { level: number; isLast: boolean } | undefined {
    const text = line.replace(/[ \t\r\n]+$/, '').slice(2);
    for (let level = this.#open.length - 1; level >= 0; level--) {
      const boundary = this.#open[level]?.boundary ?? '';
      if (text === boundary) return { level, isLast: false };
      if (text === `${boundary}--`) return { level, isLast: true };
    }
    return undefined;
  }

  #delimited(line: string, { level, isLast }: { level: number; isLast: boolean }): void {
    if (this.#header) this.#endHeader('');
    this.#endContent(true);
    const isFrozen = this.#open[level]?.isFrozen ?? false;
    this.#open = this.#open.slice(0, isLast ? level : level + 1);
    this.#depth = this.#open.length;
    this.#header = isLast ? undefined : [];
    this.#sink.onOther(line);
    if (!isLast) this.#part = this.#next(false, isFrozen);
  }

  #endContent(hasDelimiter: boolean): void {
    if (this.#isContent) this.#sink.onContentEnd(this.#part, hasDelimiter);
    this.#isContent = false;
  }

  #endHeader(end: string): void {
    const header = readHeader(this.#header?.join('') ?? '');
    this.#header = undefined;
    const part = this.#part;
    this.#sink.onHeader(part, header, end);
    if (header.boundary !== undefined) {
      const isFrozen = part.isFrozen || UNTOUCHABLE.has(header.type);
      this.#open.push({ boundary: header.boundary, isFrozen });
    } else if (header.isComposite) {
      this.#part = this.#next(true, part.isFrozen);
      this.#header = [];
    } else {
      this.#isContent = true;
    }
    if (header.isComposite && ++this.#depth > MAX_DEPTH) throw new NotMime('parts within parts without end');
  }
}

function readHeader(text: string): PartHeader & { readonly boundary: string | undefined } {
  const parsed = parseHeader(text);
  if (!parsed.ok) throw new NotMime('a header of a part is malformed');
  const { fields } = parsed;
  const contentType = only(fields, 'content-type');
  const type = /^[^\s;()]+/.exec(contentType)?.[0].toLowerCase() ?? '';
  const encoding = withoutComments(only(fields, 'content-transfer-encoding')).toLowerCase();
  const boundary = type.startsWith('multipart/') ? boundaryOf(contentType) : undefined;
  return {
    fields,
    type,
    encoding,
    boundary,
    isComposite: boundary !== undefined || type === 'message/rfc822',
  };
}

/** Of two, one reader takes the first and another the last. */
function only(fields: readonly HeaderField[], name: string): string {
  const [field, ...more] = fields.filter((entry) => entry.name === name);
  if (more.length > 0) throw new NotMime(`${name} stands twice`);
  return field ? unfold(field) : '';
}

function boundaryOf(contentType: string): string {
  const found = /;[ \t]*boundary[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)+)"|([^\s;"()]+))/i.exec(contentType);
  const boundary = found?.[1]?.replace(/\\(.)/g, '$1') ?? found?.[2];
  if (boundary === undefined) throw new NotMime('a multipart names no boundary');
  return boundary.trimEnd();
}

function withoutComments(value: string): string {
  return value.replace(/\([^()]*\)/g, '').trim();
}
