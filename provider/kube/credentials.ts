import { readFile } from 'node:fs/promises';
import type { ExecCredential } from './exec.ts';
import { SettingsError } from './failure.ts';
import type { Connection } from './settings.ts';

/** Plugin credentials are renewed this long before they end. */
const EARLY_MS = 30_000;
/** Projected tokens are rotated by the kubelet: read again now and then. */
const TOKEN_FILE_FRESH_MS = 60_000;

export interface Credentials {
  readonly authorization?: string;
  readonly clientCertificate?: string;
  readonly clientKey?: string;
}

/** Who asks, by whatever means the connection names; renewed when it ends or is refused. */
export class CredentialSource {
  readonly #connection: Connection;
  #exec: Promise<ExecCredential> | undefined;
  #execUntilMs = 0;
  #tokenFile: { text: string; untilMs: number } | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async current(signal: AbortSignal): Promise<Credentials> {
    const { exec, tokenFile, token, basic, clientCertificate, clientKey } = this.#connection;
    const certificate = clientCertificate && clientKey ? { clientCertificate, clientKey } : {};
    if (token) return { ...certificate, authorization: `Bearer ${token}` };
    if (tokenFile) return { ...certificate, authorization: `Bearer ${await this.#fromFile(tokenFile)}` };
    if (exec) {
      const { token, ...rest } = await this.#fromExec(signal);
      return { ...certificate, ...rest, ...(token && { authorization: `Bearer ${token}` }) };
    }
    if (basic) {
      const pair = Buffer.from(`${basic.username}:${basic.password}`).toString('base64');
      return { ...certificate, authorization: `Basic ${pair}` };
    }
    return certificate;
  }

  /** Forgets what was refused; says whether asking again may give something else. */
  renew(): boolean {
    this.#exec = undefined;
    this.#tokenFile = undefined;
    return (
      this.#connection.token === undefined && Boolean(this.#connection.exec ?? this.#connection.tokenFile)
    );
  }

  #fromExec(signal: AbortSignal): Promise<ExecCredential> {
    const { exec } = this.#connection;
    if (!exec) return Promise.resolve({});
    if (this.#exec && Date.now() < this.#execUntilMs) return this.#exec;
    this.#execUntilMs = Infinity;
    const running = import('./exec.ts').then(({ runExec }) => runExec(exec, signal));
    this.#exec = running;
    running.then(
      ({ expiresAtMs }) => (this.#execUntilMs = (expiresAtMs ?? Infinity) - EARLY_MS),
      () => (this.#exec = undefined),
    );
    return running;
  }

  async #fromFile(path: string): Promise<string> {
    if (this.#tokenFile && Date.now() < this.#tokenFile.untilMs) return this.#tokenFile.text;
    const text = await readFile(path, 'utf8').catch(() => {
      throw new SettingsError(`The token file ${path} cannot be read.`, 'config_path');
    });
    this.#tokenFile = { text: text.trim(), untilMs: Date.now() + TOKEN_FILE_FRESH_MS };
    return this.#tokenFile.text;
  }
}

/** Headers that ask for impersonation; keys of `extra` may hold any character, as in a URL. */
export function impersonationHeaders({ impersonate }: Connection): Record<string, string | string[]> {
  if (!impersonate) return {};
  const { user, uid, groups = [], extra = {} } = impersonate;
  const more = Object.entries(extra).map(([key, values]) => [
    `impersonate-extra-${encodeURIComponent(key.toLowerCase())}`,
    [...values],
  ]);
  return {
    'impersonate-user': user,
    ...(uid !== undefined && { 'impersonate-uid': uid }),
    ...(groups.length > 0 && { 'impersonate-group': [...groups] }),
    ...(Object.fromEntries(more) as Record<string, string[]>),
  };
}
