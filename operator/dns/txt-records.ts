/** Judges of the ownership and DKIM TXT records, and of the return path's MX. */
import { VALID, missing, parseTags, wrong, type Judgement } from './judgement.ts';
import { plainName } from './lookup.ts';

const OWNERSHIP_PREFIX = 'migosmtp-verification=';

/** Other TXT records beside ours are nobody's business: several claims may stand at one name. */
export function judgeOwnership(values: readonly string[], expected: string): Judgement {
  const texts = values.map((value) => value.trim());
  if (texts.includes(expected)) return VALID;
  return texts.some((text) => text.startsWith(OWNERSHIP_PREFIX))
    ? wrong('the record proves ownership to another relay or namespace')
    : missing('the ownership record is not there');
}

/** The ownership record's text for a proof. */
export function ownershipText(proof: string): string {
  return `${OWNERSHIP_PREFIX}${proof}`;
}

/** RFC 6376 section 3.6. `expected` is the whole record, `v=DKIM1; k=...; p=...`. */
export function judgeDkim(values: readonly string[], expected: string): Judgement {
  const keys = values.map(parseTags).filter((tags) => tags?.has('p') === true);
  const [tags, ...others] = keys;
  if (tags === undefined) return missing('no DKIM key is there');
  if (others.length > 0) return wrong('several DKIM keys stand at one selector: keep one');
  const wanted = parseTags(expected);
  if (withoutSpace(tags.get('p')) === '') return wrong('the key is revoked (p= is empty)');
  if ((tags.get('v') ?? 'DKIM1') !== 'DKIM1') return wrong('the version is not DKIM1');
  if ((tags.get('k') ?? 'rsa').toLowerCase() !== wanted?.get('k')) return wrong('the key type differs');
  if (withoutSpace(tags.get('p')) !== wanted.get('p')) return wrong('the public key differs');
  if (!lists(tags.get('h'), 'sha256')) return wrong('h= does not allow sha256');
  if (!lists(tags.get('s'), 'email')) return wrong('s= does not allow email');
  return VALID;
}

/** Whether a colon-separated tag allows a value; an absent tag and `*` allow all. */
function lists(tag: string | undefined, value: string): boolean {
  if (tag === undefined) return true;
  const entries = tag.split(':').map((entry) => entry.trim().toLowerCase());
  return entries.includes(value) || entries.includes('*');
}

function withoutSpace(text: string | undefined): string {
  return (text ?? '').replace(/\s+/g, '');
}

/** Any preference will do; another host beside ours would take our bounces. */
export function judgeMx(values: readonly string[], host: string): Judgement {
  const hosts = values.map((value) => plainName(value.replace(/^\S+\s+/, '')));
  if (hosts.length === 0) return missing('no MX record is there');
  return hosts.every((found) => found === plainName(host))
    ? VALID
    : wrong(`the MX record names another host than ${plainName(host)}`);
}
