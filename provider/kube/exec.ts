import { execFile } from 'node:child_process';
import { SettingsError } from './failure.ts';

/** A credential plugin (client.authentication.k8s.io), such as those of the cloud providers. */
export interface ExecSettings {
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface ExecCredential {
  readonly token?: string;
  readonly clientCertificate?: string;
  readonly clientKey?: string;
  readonly expiresAtMs?: number;
}

const TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 2 ** 20;

/** Runs the plugin. Its output is a credential, so no part of it ever enters a message. */
export async function runExec(settings: ExecSettings, signal: AbortSignal): Promise<ExecCredential> {
  const { apiVersion, command, args } = settings;
  const info = JSON.stringify({ apiVersion, kind: 'ExecCredential', spec: { interactive: false } });
  const env = { ...process.env, ...settings.env, KUBERNETES_EXEC_INFO: info };
  const output = await new Promise<string>((resolve, reject) => {
    const options = { env, signal, timeout: TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES };
    execFile(command, [...args], options, (failure, stdout) => {
      if (!failure) resolve(stdout);
      else
        reject(
          new SettingsError(
            `The credential plugin ${command} ${outcome(failure)}. Run it by hand to see why.`,
            'exec',
          ),
        );
    });
  });
  return credential(output, command);
}

function outcome(failure: Error & { code?: unknown; killed?: boolean }): string {
  if (failure.code === 'ENOENT') return 'is not installed or not on the PATH';
  if (failure.killed) return `gave no answer within ${TIMEOUT_MS / 1000} s`;
  return `ended with ${typeof failure.code === 'number' ? `exit code ${failure.code}` : 'an error'}`;
}

function credential(output: string, command: string): ExecCredential {
  let status: Record<string, unknown> | undefined;
  try {
    status = (JSON.parse(output) as { status?: Record<string, unknown> }).status;
  } catch {
    // Told below, without the output.
  }
  const text = (name: string) => (typeof status?.[name] === 'string' ? status[name] : undefined);
  const token = text('token');
  const certificate = text('clientCertificateData');
  const key = text('clientKeyData');
  if (!token && !(certificate && key)) {
    throw new SettingsError(
      `The credential plugin ${command} printed no ExecCredential with a token or certificate.`,
      'exec',
    );
  }
  const expires = Date.parse(text('expirationTimestamp') ?? '');
  return {
    ...(token && { token }),
    ...(certificate && key && { clientCertificate: certificate, clientKey: key }),
    ...(Number.isFinite(expires) && { expiresAtMs: expires }),
  };
}
