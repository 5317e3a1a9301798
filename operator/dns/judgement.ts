/** What a judge of DNS records says: it is right, or what is wrong with it in words for a person. */
export type Judgement =
  | { verdict: 'valid' }
  /** Nothing of the kind is published. */
  | { verdict: 'missing'; problem: string }
  /** Something is published, and it is not what it must be. */
  | { verdict: 'wrong'; problem: string };

export const VALID: Judgement = { verdict: 'valid' };

export function missing(problem: string): Judgement {
  return { verdict: 'missing', problem };
}

export function wrong(problem: string): Judgement {
  return { verdict: 'wrong', problem };
}

/** Tags of a `name=value; name=value` record (DKIM, DMARC), in order; undefined when it is not one. */
export function parseTags(text: string): Map<string, string> | undefined {
  const tags = new Map<string, string>();
  for (const part of text.split(';')) {
    if (part.trim() === '') continue;
    const match = /^\s*([A-Za-z][A-Za-z0-9_]*)\s*=([^]*)$/.exec(part);
    const name = match?.[1];
    if (name === undefined || tags.has(name)) return undefined;
    tags.set(name, (match?.[2] ?? '').trim());
  }
  return tags;
}
