/** A throw-away CA and P-256 certificates, made by openssl. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface TestPki {
  readonly caFile: string;
  /** Issues `<name>.pem` and `<name>.key` for these DNS names or addresses. */
  issue(name: string, sans: readonly string[]): Promise<{ certFile: string; keyFile: string }>;
}

export async function createPki(folder: string): Promise<TestPki> {
  const caFile = join(folder, 'ca.pem');
  const caKey = join(folder, 'ca.key');
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  await run('openssl', [
    'req',
    '-x509',
    ...ec,
    '-keyout',
    caKey,
    '-out',
    caFile,
    '-days',
    '30',
    '-subj',
    '/CN=test-ca',
  ]);
  return {
    caFile,
    async issue(name, sans) {
      const [certFile, keyFile, csr, ext] = ['pem', 'key', 'csr', 'ext'].map((end) =>
        join(folder, `${name}.${end}`),
      );
      if (!certFile || !keyFile || !csr || !ext) throw new Error('four names');
      const list = sans.map((san) => (/^[\d.]+$/.test(san) ? `IP:${san}` : `DNS:${san}`)).join(',');
      await writeFile(ext, `subjectAltName=${list}\n`);
      await run('openssl', ['req', ...ec, '-keyout', keyFile, '-out', csr, '-subj', `/CN=${name}`]);
      // Not openssl's serial file: certificates are issued side by side.
      const serial = `0x${randomBytes(8).toString('hex')}`;
      const signing = ['-CA', caFile, '-CAkey', caKey, '-set_serial', serial, '-days', '30', '-extfile', ext];
      await run('openssl', ['x509', '-req', '-in', csr, '-out', certFile, ...signing]);
      return { certFile, keyFile };
    },
  };
}
