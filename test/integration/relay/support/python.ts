/** A client that is not ours: Python's smtplib, with the certificate verified. */
import { execFile } from 'node:child_process';
import type { TestRelay } from './relay.ts';

export interface PythonResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a script with `PORT_STARTTLS`, `PORT_TLS`, `HOST` and the CA in its environment. */
export function python(
  relay: TestRelay,
  script: string,
  args: readonly string[] = [],
): Promise<PythonResult> {
  return new Promise((resolve) => {
    const env = {
      ...process.env,
      SSL_CERT_FILE: relay.pki.caFile,
      HOST: 'localhost',
      PORT_STARTTLS: String(relay.ports.starttls),
      PORT_TLS: String(relay.ports.tls),
    };
    execFile('python3', ['-c', script, ...args], { env, timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr });
    });
  });
}
