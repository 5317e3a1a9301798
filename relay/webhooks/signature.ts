/** Signatures after the Standard Webhooks specification, version v1. Pure. */
import { createHmac } from 'node:crypto';

export interface Signed {
  readonly id: string;
  readonly timestampS: number;
  readonly body: string;
}

/** `v1,` and base64 of the HMAC-SHA256 over `<id>.<timestamp>.<body>`. */
export function signature(secret: string, { id, timestampS, body }: Signed): string {
  const mac = createHmac('sha256', keyOf(secret)).update(`${id}.${timestampS}.${body}`);
  return `v1,${mac.digest('base64')}`;
}

/** `whsec_<base64>` as the specification has it; any other text is the key itself. */
function keyOf(secret: string): Buffer {
  const encoded = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret.trim())?.[1];
  return encoded === undefined ? Buffer.from(secret, 'utf8') : Buffer.from(encoded, 'base64');
}
