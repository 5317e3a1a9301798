/** Drawing of passwords and usernames, making and checking of verifiers. */
import { createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { relayApi } from '../../api/index.ts';

const derive = promisify<string, Buffer, number, { N: number; r: number; p: number }, Buffer>(scrypt);

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const PASSWORD_LENGTH = 32;
/** About 50 ms and 16 MB, as a brought password may be weak. */
const COST = { N: 16_384, r: 8, p: 1 };

/** 32 letters and digits: 190 bits. Bytes that would favour some letters are thrown away. */
export function drawPassword(): string {
  const fair = 256 - (256 % ALPHABET.length);
  let password = '';
  while (password.length < PASSWORD_LENGTH) {
    for (const byte of randomBytes(PASSWORD_LENGTH)) {
      if (byte < fair && password.length < PASSWORD_LENGTH) password += ALPHABET[byte % ALPHABET.length]!;
    }
  }
  return password;
}

export function drawUsername(isTaken: (username: string) => boolean): string {
  for (;;) {
    const username = `smtpuser_${randomBytes(4).toString('hex')}`;
    if (!isTaken(username)) return username;
  }
}

/** `isBrought`: chosen by a person, so that it needs a slow hash. */
export async function makeVerifier(
  password: string,
  revision: number,
  isBrought: boolean,
): Promise<relayApi.Verifier> {
  const salt = randomBytes(16);
  const id = `r${revision}-${randomBytes(3).toString('hex')}`;
  if (!isBrought) {
    return {
      id,
      algorithm: 'sha256',
      salt: salt.toString('base64'),
      hash: fastHash(salt, password).toString('base64'),
    };
  }
  const hash = await derive(password, salt, 32, COST);
  return {
    id,
    algorithm: 'scrypt',
    salt: salt.toString('base64'),
    hash: hash.toString('base64'),
    cost: COST,
  };
}

/** Revision that a verifier's id names; 0 when it names none. */
export function revisionOf(verifier: { id: string }): number {
  return Number(/^r([0-9]+)-/.exec(verifier.id)?.[1] ?? 0);
}

/** Slow hashes that matched, so that a look at a Secret that has not changed costs nothing. */
const matched = new Map<string, string>();
const MOST_MATCHED = 5_000;

export async function matches(verifier: relayApi.Verifier, password: string): Promise<boolean> {
  const salt = Buffer.from(verifier.salt, 'base64');
  const hash = Buffer.from(verifier.hash, 'base64');
  if (verifier.algorithm === 'sha256') return isSame(fastHash(salt, password), hash);
  const fingerprint = fastHash(salt, password).toString('base64');
  if (matched.get(verifier.hash) === fingerprint) return true;
  const { N, r, p } = verifier.cost ?? COST;
  if (!isSame(await derive(password, salt, hash.length, { N, r, p }), hash)) return false;
  if (matched.size >= MOST_MATCHED) matched.clear();
  matched.set(verifier.hash, fingerprint);
  return true;
}

function fastHash(salt: Buffer, password: string): Buffer {
  return createHash('sha256').update(salt).update(password, 'utf8').digest();
}

function isSame(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
