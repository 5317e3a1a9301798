/** 8-bit lines as 7-bit ones (RFC 2045 section 6). Lines are latin1 with their CRLF. */
import { quotedPrintable } from '../../message/quoted-printable.ts';

export interface Encoder {
  line(line: string): string;
  /** `hasDelimiter`: the line end of the last line belongs to the delimiter that follows. */
  end(hasDelimiter: boolean): string;
}

/** Line by line: line ends stay what they are. */
export class QuotedPrintableEncoder implements Encoder {
  line(line: string): string {
    const hasEnd = line.endsWith('\r\n');
    const text = quotedPrintable(hasEnd ? line.slice(0, -2) : line);
    return hasEnd ? `${text}\r\n` : text;
  }

  end(): string {
    return '';
  }
}

/** 57 bytes to a line of 76 characters. */
const BYTES = 57;

/** Every byte, line ends too, but for the last one before a delimiter. */
export class Base64Encoder implements Encoder {
  #rest = '';

  line(line: string): string {
    this.#rest += line;
    // The last line end is kept back until it is known whose it is.
    const whole = Math.max(0, Math.floor((this.#rest.length - 2) / BYTES)) * BYTES;
    const encoded = encode(this.#rest.slice(0, whole));
    this.#rest = this.#rest.slice(whole);
    return encoded;
  }

  end(hasDelimiter: boolean): string {
    const rest = hasDelimiter && this.#rest.endsWith('\r\n') ? this.#rest.slice(0, -2) : this.#rest;
    this.#rest = '';
    return encode(rest);
  }
}

function encode(bytes: string): string {
  return Buffer.from(bytes, 'latin1')
    .toString('base64')
    .replace(/.{1,76}/g, '$&\r\n');
}
