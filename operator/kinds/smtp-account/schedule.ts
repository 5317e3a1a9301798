/** When an account's password changes or ends by itself. Pure. */
import { durationMs, type SmtpAccount } from '../../api/index.ts';
import type { Published } from './published.ts';
import type { AccountSnapshot } from './snapshot.ts';

/** Scheduled rotations of many accounts spread over this part of the interval. */
const JITTER = 0.1;

/** In ms since the epoch; Infinity without an interval. */
export function nextRotationAt(account: SmtpAccount, published: Published): number {
  const interval = account.spec.rotation?.interval;
  if (interval === undefined || account.spec.passwordFrom !== undefined) return Infinity;
  const share = Number.parseInt(account.metadata.uid!.slice(0, 4), 16) / 0xffff;
  const issuedAt = Date.parse(published.issuedAt ?? '');
  if (Number.isNaN(issuedAt)) return Infinity;
  return issuedAt + durationMs(interval) * (1 - JITTER * (Number.isNaN(share) ? 0 : share));
}

/**
 * Time until an earlier password ends or a rotation is due. What is past and was not acted upon does not count: time alone
 * changes nothing about it, such as the rotation of a suspended account.
 */
export function nextMomentMs(account: SmtpAccount, { secret }: AccountSnapshot, now: Date): number {
  if (secret.is !== 'ours') return Infinity;
  const { published } = secret;
  const ends = published.previous.map(({ validUntil }) => Date.parse(validUntil));
  const ahead = [nextRotationAt(account, published), ...ends].filter((at) => at > now.getTime());
  return Math.max(5, Math.min(...ahead) - now.getTime());
}
