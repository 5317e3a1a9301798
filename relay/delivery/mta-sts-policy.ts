/** MTA-STS records and policies (RFC 8461 section 3). Pure: text in, policy out; undefined: it is none. */

export interface StsPolicy {
  readonly mode: 'enforce' | 'testing' | 'none';
  /** Lower case; `*.` stands for one label. */
  readonly mx: readonly string[];
  readonly maxAgeSeconds: number;
}

const MAX_AGE_SECONDS = 31_557_600;

/** The policy's id; more than one record of this version is an error, and there is no policy then. */
export function readStsRecord(texts: readonly string[]): string | undefined {
  const records = texts.filter((text) => /^v=STSv1\s*(;|$)/.test(text));
  if (records.length !== 1) return undefined;
  return /(?:^|;)\s*id=([A-Za-z0-9]{1,32})\s*(?:;|$)/.exec(records[0] ?? '')?.[1];
}

export function readStsPolicy(text: string): StsPolicy | undefined {
  const fields = text
    .split(/\r?\n/)
    .map((line) => /^([A-Za-z0-9_.-]{1,32})\s*:\s*(.*?)\s*$/.exec(line))
    .filter((match) => match !== null)
    .map(([, name = '', value = '']) => ({ name, value }));
  const first = (name: string) => fields.find((field) => field.name === name)?.value;
  const mode = first('mode');
  const maxAge = first('max_age') ?? '';
  if (first('version') !== 'STSv1' || !/^\d{1,10}$/.test(maxAge)) return undefined;
  if (mode !== 'enforce' && mode !== 'testing' && mode !== 'none') return undefined;
  const mx = fields.filter(({ name }) => name === 'mx').map(({ value }) => value.toLowerCase());
  if (mx.length === 0 && mode !== 'none') return undefined;
  return { mode, mx, maxAgeSeconds: Math.min(Number(maxAge), MAX_AGE_SECONDS) };
}

export function matchesSts({ mx }: StsPolicy, host: string): boolean {
  const name = host.toLowerCase();
  const parent = name.slice(name.indexOf('.') + 1);
  return mx.some((pattern) =>
    pattern.startsWith('*.') ? name.includes('.') && pattern.slice(2) === parent : pattern === name,
  );
}
