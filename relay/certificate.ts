/** A certificate and key on disk, re-read when they change; an unusable new pair keeps the old one in force. */
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { RelayError, describeCause } from './errors.ts';
import { watchFiles } from './files.ts';
import type { Log } from './log.ts';

export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

interface Files {
  readonly certFile: string;
  readonly keyFile: string;
}

export class CertificateFiles {
  readonly #files: Files;
  readonly #listeners: ((pair: KeyPair) => void)[] = [];
  readonly #stop: () => void;
  #current: KeyPair;

  /** Throws R_TLS_UNUSABLE where the pair cannot be used. */
  static async load(files: Files, log: Log): Promise<CertificateFiles> {
    return new CertificateFiles(files, await readPair(files), log);
  }

  private constructor(files: Files, pair: KeyPair, log: Log) {
    this.#files = files;
    this.#current = pair;
    this.#stop = watchFiles([files.certFile, files.keyFile], () => {
      this.#reload(log).catch((error: unknown) =>
        log.error({ cause: describeCause(error) }, 'certificate not taken'),
      );
    });
  }

  get current(): KeyPair {
    return this.#current;
  }

  onChange(listener: (pair: KeyPair) => void): void {
    this.#listeners.push(listener);
  }

  stop(): void {
    this.#stop();
  }

  async #reload(log: Log): Promise<void> {
    const pair = await readTexts(this.#files);
    if (pair.cert === this.#current.cert && pair.key === this.#current.key) return;
    check(pair, this.#files);
    this.#current = pair;
    for (const listener of this.#listeners) listener(pair);
    log.info({ certFile: this.#files.certFile }, 'certificate reloaded');
  }
}

async function readPair(files: Files): Promise<KeyPair> {
  const pair = await readTexts(files);
  check(pair, files);
  return pair;
}

async function readTexts(files: Files): Promise<KeyPair> {
  try {
    const [cert, key] = await Promise.all([
      readFile(files.certFile, 'utf8'),
      readFile(files.keyFile, 'utf8'),
    ]);
    return { cert, key };
  } catch (cause) {
    throw new RelayError('R_TLS_UNUSABLE', { ...files }, cause);
  }
}

/** Throws where key and certificate do not belong together, e.g. while only one file was replaced. */
function check(pair: KeyPair, files: Files): void {
  try {
    createSecureContext({ ...pair });
  } catch (cause) {
    throw new RelayError('R_TLS_UNUSABLE', { ...files }, cause);
  }
}
