/** What a message to a return path says (RFC 3464). Pure; `raw` is bounded by who calls. */
import { oneLine } from '../errors.ts';

export interface BounceReport {
  /** `failed`: the recipient will not get it. `other`: a delay, a success, an answer of a person or a robot. */
  readonly kind: 'failed' | 'other';
  /** Enhanced code, `5.0.0` where none was given. */
  readonly status: string;
  /** One line for the report. */
  readonly response: string;
}

const OTHER: BounceReport = { kind: 'other', status: '', response: '' };
/** Reports come first in a message; what follows is the returned content. */
const LOOKED_AT = 64 * 1024;

export function readBounce(raw: Buffer): BounceReport {
  const text = raw.toString('latin1', 0, LOOKED_AT);
  return fromDeliveryStatus(text) ?? fromText(text) ?? OTHER;
}

/** The address is one recipient's own, so the first group that failed is his. */
function fromDeliveryStatus(text: string): BounceReport | undefined {
  const part =
    /\r\nContent-Type:\s*message\/(?:global-)?delivery-status[^]*?\r\n\r\n([^]*?)(?=\r\n--|$)/i.exec(text);
  if (!part) return undefined;
  const groups = (part[1] ?? '').split(/\r\n[ \t]*\r\n/).map((group) => group.replace(/\r\n[ \t]+/g, ' '));
  const failed = groups.find((group) => field(group, 'Action').toLowerCase() === 'failed');
  if (failed === undefined) return OTHER;
  const status = /^[245]\.\d{1,3}\.\d{1,3}/.exec(field(failed, 'Status'))?.[0] ?? '5.0.0';
  const diagnostic = field(failed, 'Diagnostic-Code').replace(/^[\w-]+\s*;\s*/, '');
  return {
    kind: 'failed',
    status,
    response: oneLine(diagnostic) || `the recipient's host reports ${status}`,
  };
}

/** Old hosts write prose: only a subject that says so and a 5.x.x code together count. */
function fromText(text: string): BounceReport | undefined {
  const end = text.indexOf('\r\n\r\n');
  const header = end === -1 ? text : text.slice(0, end);
  if (
    /^Auto-Submitted:\s*auto-replied/im.test(header) &&
    !/^From:.*(mailer-daemon|postmaster)/im.test(header)
  )
    return undefined;
  if (!/^Subject:.*(undeliver|delivery|returned mail|failure)/im.test(header)) return undefined;
  const line = /^.*\b(5\.\d{1,3}\.\d{1,3})\b.*$/m.exec(text.slice(end, end + 16_384));
  if (!line?.[1]) return undefined;
  return { kind: 'failed', status: line[1], response: oneLine(line[0]) };
}

function field(group: string, name: string): string {
  return new RegExp(`^${name}:[ \\t]*(.*)$`, 'im').exec(group)?.[1]?.trim() ?? '';
}
