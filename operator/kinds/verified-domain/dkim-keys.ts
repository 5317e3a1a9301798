/** DKIM keys: making them, and choosing which are listed and which sign. */
import { createHash, generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { durationMs, type VerifiedDomainSpec } from '../../api/index.ts';
import type { DkimKeyEntry, DkimKeyType, Proof } from './ledger.ts';

/** An old key's record stays listed this long after the next key signs: mail in the queue carries its signature. */
export const RETIRE_AFTER_MS = 5 * 24 * 3_600_000;

const generate = promisify(generateKeyPair);

/** Off the event loop: an RSA key takes 50 to 300 ms. The selector is taken from the key, so that no two keys share one. */
export async function makeDkimKey(keyType: DkimKeyType, prefix: string, now: Date): Promise<DkimKeyEntry> {
  const { publicKey, privateKey } =
    keyType === 'Ed25519' ? await generate('ed25519') : await generate('rsa', { modulusLength: 2048 });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  // RFC 8463: the 32 bytes of the key itself; RFC 6376: the whole SubjectPublicKeyInfo.
  const shown = (keyType === 'Ed25519' ? spki.subarray(-32) : spki).toString('base64');
  return {
    selector: `${prefix}-${createHash('sha256').update(shown).digest('hex').slice(0, 8)}`,
    keyType,
    privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    publicKey: shown,
    createdAt: now.toISOString(),
  };
}

export function wantedTypes(spec: VerifiedDomainSpec): DkimKeyType[] {
  const keyType = spec.dkim?.keyType ?? 'RSA2048';
  return keyType === 'Both' ? ['RSA2048', 'Ed25519'] : [keyType];
}

export interface KeyChoice {
  /** Shown in status, and looked up. */
  listed: Partial<Record<'dkim' | 'dkimEd25519' | 'dkimNext', DkimKeyEntry>>;
  signing: DkimKeyEntry[];
  /** A key of this type must be made: the first one, or the next of a rotation. */
  missing: DkimKeyType | undefined;
  /** Selector whose time is over. */
  retired: string | undefined;
}

/**
 * Of each wanted type the oldest key is current and the one after it is next. The next signs once DNS shows it; the
 * current one is listed on until RETIRE_AFTER_MS later, then dropped, and the next becomes current. At most one next
 * at a time, since status has room for one.
 */
export function chooseKeys(
  spec: VerifiedDomainSpec,
  keys: readonly DkimKeyEntry[],
  proof: Proof | undefined,
  now: Date,
): KeyChoice {
  const types = wantedTypes(spec);
  const shownSince = (key: DkimKeyEntry): number => Date.parse(proof?.dkim[key.selector]?.since ?? '');
  const isShown = (key: DkimKeyEntry): boolean => proof?.dkim[key.selector] !== undefined;
  const byType = types.map((type) => keys.filter((key) => key.keyType === type));
  const [primary = [], secondary = []] = byType;
  const rotating = byType.find((list) => list.length > 1);
  const [current, next] = rotating ?? [];
  const listed: KeyChoice['listed'] = {
    ...(primary[0] && { dkim: primary[0] }),
    ...(secondary[0] && { dkimEd25519: secondary[0] }),
    ...(next && { dkimNext: next }),
  };
  const best = byType.flatMap((list) => list.filter(isShown).at(-1) ?? []);
  const empty = types.find((_, index) => byType[index]?.length === 0);
  const due = rotating === undefined ? dueForRotation(spec, byType, shownSince, now) : undefined;
  return {
    listed,
    // After a change of keyType the old type signs until DNS shows a key of the new one.
    signing: best.length > 0 ? best : keys.filter(isShown).slice(-1),
    missing: empty ?? due,
    retired:
      current && next && now.getTime() - shownSince(next) >= RETIRE_AFTER_MS ? current.selector : undefined,
  };
}

function dueForRotation(
  spec: VerifiedDomainSpec,
  byType: readonly DkimKeyEntry[][],
  shownSince: (key: DkimKeyEntry) => number,
  now: Date,
): DkimKeyType | undefined {
  const interval = spec.dkim?.rotationInterval;
  if (interval === undefined || durationMs(interval) === 0) return undefined;
  // A key that DNS never showed has not been used: there is nothing to rotate away from (NaN compares false).
  return byType
    .flatMap((list) => list[0] ?? [])
    .find((key) => now.getTime() - shownSince(key) >= durationMs(interval))?.keyType;
}
