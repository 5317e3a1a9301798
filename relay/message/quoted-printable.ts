/** Quoted-printable (RFC 2045 section 6.7) of latin1 text without line ends. */

/** One line, cut into pieces of at most 76 characters by soft line ends. */
export function quotedPrintable(line: string): string {
  const escaped = line.replace(/[^ -<>-~\t]|[ \t]$/g, escapeByte);
  return escaped.length <= MAX ? escaped : pieces(escaped).join('=\r\n');
}

const MAX = 76;

function escapeByte(char: string): string {
  return `=${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

/** No break within an escape; each piece but the last has the `=` of its soft line end behind it. */
function pieces(line: string): string[] {
  const result: string[] = [];
  for (let start = 0; start < line.length;) {
    let end = start + MAX - 1;
    const escape = line.lastIndexOf('=', end - 1);
    if (end < line.length && escape > end - 3) end = escape;
    result.push(line.slice(start, end));
    start = end;
  }
  return result;
}
