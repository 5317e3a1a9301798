/** A client that is not ours: Python's smtplib, with the certificate verified. */
import { execFile } from 'node:child_process';
import { debianPackages } from '../../../cluster/debian.ts';
import type { TestRelay } from './relay.ts';

export interface PythonResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Environment in which `python3` is there, from the cache when the machine has none, and trusts the relay. */
export async function pythonEnvironment(relay: TestRelay): Promise<NodeJS.ProcessEnv> {
  const packages = await debianPackages(['python3']);
  return {
    ...packages.env(),
    SSL_CERT_FILE: relay.pki.caFile,
    HOST: 'localhost',
    PORT_STARTTLS: String(relay.ports.starttls),
    PORT_TLS: String(relay.ports.tls),
  };
}

/** Runs a script with `PORT_STARTTLS`, `PORT_TLS`, `HOST` and the CA in its environment. */
export async function python(
  relay: TestRelay,
  script: string,
  args: readonly string[] = [],
): Promise<PythonResult> {
  const env = await pythonEnvironment(relay);
  return new Promise((resolve) => {
    execFile('python3', ['-c', script, ...args], { env, timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr });
    });
  });
}
