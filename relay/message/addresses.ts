/**
 * Reads the addresses of a From field strictly (RFC 5322 section 3.4). Undefined means: not exactly one reading,
 * so the message is refused; a lenient parser here would let one reader see another sender than we checked.
 */

/** The addr-specs of a mailbox list in latin1, e.g. `["a@example.com"]`; undefined where it is no such list. */
export function parseMailboxes(value: string): string[] | undefined {
  const tokens = tokenize(value);
  if (!tokens) return undefined;
  const addresses: string[] = [];
  for (const mailbox of splitAt(tokens, ',')) {
    const address = readMailbox(mailbox);
    if (address === undefined) return undefined;
    addresses.push(address);
  }
  return addresses.length > 0 ? addresses : undefined;
}

interface Token {
  readonly kind: 'atom' | 'quoted' | 'literal' | 'special';
  readonly text: string;
}

const SPECIALS = '<>,;:@.';

function tokenize(value: string): Token[] | undefined {
  const tokens: Token[] = [];
  let at = 0;
  while (at < value.length) {
    const char = value.charAt(at);
    if (char === ' ' || char === '\t') {
      at++;
    } else if (char === '(') {
      at = skipComment(value, at);
    } else if (char === '"' || char === '[') {
      const end = closing(value, at, char === '"' ? '"' : ']');
      if (end === -1) return undefined;
      tokens.push({ kind: char === '"' ? 'quoted' : 'literal', text: value.slice(at, end) });
      at = end;
    } else if (SPECIALS.includes(char)) {
      tokens.push({ kind: 'special', text: char });
      at++;
    } else {
      // eslint-disable-next-line no-control-regex -- bytes above 0x7f are UTF-8 and part of an atom
      const atom = /[^\u0000-\u0020\u007f()<>[\]:;@\\,."]+/y;
      atom.lastIndex = at;
      const text = atom.exec(value)?.[0];
      if (text === undefined) return undefined;
      tokens.push({ kind: 'atom', text });
      at += text.length;
    }
    if (at === -1) return undefined;
  }
  return tokens;
}

function skipComment(value: string, from: number): number {
  let depth = 0;
  for (let at = from; at < value.length; at++) {
    const char = value.charAt(at);
    if (char === '\\') at++;
    else if (char === '(') depth++;
    else if (char === ')' && --depth === 0) return at + 1;
  }
  return -1;
}

function closing(value: string, from: number, mark: string): number {
  for (let at = from + 1; at < value.length; at++) {
    const char = value.charAt(at);
    if (char === '\\') at++;
    else if (char === mark) return at + 1;
  }
  return -1;
}

function splitAt(tokens: readonly Token[], mark: string): Token[][] {
  const parts: Token[][] = [[]];
  for (const token of tokens) {
    if (token.kind === 'special' && token.text === mark) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts;
}

/** `addr-spec` or `[phrase] <addr-spec>`; groups and source routes are not accepted. */
function readMailbox(tokens: readonly Token[]): string | undefined {
  const open = tokens.findIndex((token) => isSpecial(token, '<'));
  if (open === -1) return readAddress(tokens);
  const last = tokens.at(-1);
  if (!last || !isSpecial(last, '>')) return undefined;
  const phrase = tokens.slice(0, open);
  return phrase.every(isHarmless) ? readAddress(tokens.slice(open + 1, -1)) : undefined;
}

/** In an unquoted name, dots ("J. Doe") and brackets ("[Shop]") are wrong but read alike by everyone. */
function isHarmless({ kind, text }: Token): boolean {
  return kind === 'literal' ? !/[@<>]/.test(text) : kind !== 'special' || text === '.';
}

function readAddress(tokens: readonly Token[]): string | undefined {
  const at = tokens.findIndex((token) => isSpecial(token, '@'));
  if (at < 1) return undefined;
  const local = readLocal(tokens.slice(0, at));
  const domain = readDotted(tokens.slice(at + 1));
  return local === undefined || domain === undefined ? undefined : `${local}@${domain}`;
}

function readLocal(tokens: readonly Token[]): string | undefined {
  const [only] = tokens;
  if (tokens.length === 1 && only?.kind === 'quoted') {
    const content = only.text.slice(1, -1).replace(/\\(.)/g, '$1');
    // Quoting that is needed would have to survive in the envelope; such addresses are not worth the risk.
    return /^[\w!#$%&'*+/=?^`{|}~.-]+$/.test(content) ? content : undefined;
  }
  return readDotted(tokens);
}

function readDotted(tokens: readonly Token[]): string | undefined {
  if (tokens.length % 2 === 0) return undefined;
  const shaped = tokens.every((token, i) => (i % 2 === 0 ? token.kind === 'atom' : isSpecial(token, '.')));
  return shaped ? tokens.map((token) => token.text).join('') : undefined;
}

function isSpecial(token: Token, text: string): boolean {
  return token.kind === 'special' && token.text === text;
}
