import type { Construct } from 'constructs';
import type { TerraformProvider } from '#core';
import { DataMigosmtpSmtpAccount } from '#bindings/data-migosmtp-smtp-account/index.js';
import { SmtpAccountBase } from './account-base.ts';
import { CredentialsSecret, type SecretFormat } from './credentials-secret.ts';
import { defined } from './defined.ts';

/** Where an account that is declared elsewhere is found. */
export interface SmtpAccountLookup {
  readonly namespace?: string;
  /** Which keys its Secret has. Default: both forms. */
  readonly format?: SecretFormat;
  /** Provider to use, when the stack has several. */
  readonly provider?: TerraformProvider;
}

/** An account read from the cluster when Terraform plans; the plan says so when there is none. */
export class ImportedSmtpAccount extends SmtpAccountBase {
  readonly accountName: string;
  readonly namespace: string;
  readonly secret: CredentialsSecret;
  readonly #data: DataMigosmtpSmtpAccount;

  constructor(scope: Construct, id: string, name: string, lookup: SmtpAccountLookup = {}) {
    super(scope, id);
    const { namespace, format, provider } = lookup;
    this.#data = new DataMigosmtpSmtpAccount(this, 'Resource', defined({ name, namespace, provider }));
    this.accountName = name;
    this.namespace = namespace ?? 'default';
    this.secret = new CredentialsSecret(this.#data.secretName, defined({ format }));
  }

  get username(): string {
    return this.#data.username;
  }

  get host(): string {
    return this.#data.host;
  }

  get port(): number {
    return this.#data.port;
  }

  get tlsPort(): number {
    return this.#data.tlsPort;
  }

  get credentialsRevision(): number {
    return this.#data.credentialsRevision;
  }

  get uid(): string {
    return this.#data.uid;
  }

  allowSender(sender: string): void {
    throw new Error(
      `${this.node.path}: SmtpAccount ${this.namespace}/${this.accountName} is declared elsewhere: ` +
        `add ${sender} to its allowedSenders there`,
    );
  }
}
