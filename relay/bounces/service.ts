/** Bounce intake of one relay process: return paths, and the port where the configuration names one. */
import type { relayApi } from '@migosmtp/operator/api';
import type { CertificateFiles } from '../certificate.ts';
import type { Directory } from '../policy/index.ts';
import { BounceDialogue } from './dialogue.ts';
import { BounceIntake, type BounceIntakeOptions } from './intake.ts';
import { type BounceListening, startBounceListener } from './listener.ts';
import { ReturnPaths } from './return-paths.ts';

export interface BounceServiceOptions extends BounceIntakeOptions {
  readonly directory: Directory;
  readonly ownKey: Buffer | undefined;
  readonly storeFailed: (error: unknown) => void;
}

export class BounceService {
  readonly paths: ReturnPaths;
  readonly #options: BounceServiceOptions;
  #listening: BounceListening | undefined;

  constructor(options: BounceServiceOptions) {
    this.#options = options;
    this.paths = new ReturnPaths(options.directory, options.ownKey);
  }

  /** Null: bounces are not taken. */
  get port(): number | null {
    return this.#listening?.port ?? null;
  }

  async start(listen: relayApi.RelayProcessConfig['listen'], certificate: CertificateFiles): Promise<void> {
    if (listen.bounces === undefined) return;
    const { hostname, log, storeFailed } = this.#options;
    const intake = new BounceIntake(this.#options);
    this.#listening = await startBounceListener({
      address: listen.address,
      port: listen.bounces,
      name: hostname(),
      certificate,
      trustedProxies: listen.proxyProtocol?.trustedAddresses ?? [],
      dialogue: new BounceDialogue({ paths: this.paths, intake, log, storeFailed }),
    });
  }

  directoryChanged(): void {
    this.#listening?.updateSettings({ name: this.#options.hostname() });
  }

  stop(): void {
    this.#listening?.stop();
  }
}
