/** Zone files as nsd reads them, from records as VerifiedDomain's status lists them. */

/** One record. `name` is absolute, with or without the trailing dot; a TXT `value` is the whole text. */
export interface ZoneRecord {
  name: string;
  type: string;
  /** TXT: the text, split into strings of 255 bytes here; MX: `10 host`; CNAME, A: as written. */
  value: string;
  /** TXT only: the strings as they shall stand on the wire, instead of `value`. */
  strings?: readonly string[];
}

export function zoneFile(zone: string, serial: number, records: readonly ZoneRecord[]): string {
  const lines = [
    `$ORIGIN ${zone}.`,
    '$TTL 1',
    // The last figure is how long others may remember that a name is absent.
    `@ SOA ns.${zone}. hostmaster.${zone}. ${serial} 3600 600 86400 1`,
    `@ NS ns.${zone}.`,
    `ns A 127.0.0.1`,
    ...records.map((record) => `${absolute(record.name)} ${record.type} ${dataOf(record)}`),
  ];
  return `${lines.join('\n')}\n`;
}

function dataOf(record: ZoneRecord): string {
  if (record.type === 'TXT') return (record.strings ?? chunks(record.value)).map(quoted).join(' ');
  if (record.type === 'MX' || record.type === 'CNAME') return absolute(record.value);
  return record.value;
}

function chunks(text: string): string[] {
  return text.match(/[^]{1,255}/g) ?? [''];
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

function absolute(name: string): string {
  return name.endsWith('.') ? name : `${name}.`;
}
