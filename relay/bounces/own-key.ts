/** The key of a relay that runs alone: drawn once, kept beside its mail. */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const BYTES = 32;

export async function loadOwnKey(directory: string): Promise<Buffer> {
  const file = join(directory, 'bounce-key');
  const found = await readFile(file).catch(() => undefined);
  if (found?.length === BYTES) return found;
  const key = randomBytes(BYTES);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await writeFile(file, key, { mode: 0o600 });
  return key;
}
