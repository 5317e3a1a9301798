import type { Construct } from 'constructs';
import { TerraformElement, Token, ref, type ITerraformDependable, type TerraformProvider } from '#core';
import type { ISmtpAccount } from './account-base.ts';
import { defined } from './defined.ts';

const TYPE = 'migosmtp_smtp_credentials';

export interface SmtpCredentialsProps {
  readonly account: ISmtpAccount;
  /** Provider to use, when the stack has several. */
  readonly provider?: TerraformProvider;
}

/**
 * The credentials of an account within one Terraform run, for provider blocks and write-only arguments; they are
 * never written to a plan or a state. Needs Terraform 1.11. Apps read the Secret instead: `account.env()`.
 *
 * @example
 * const login = new SmtpCredentials(this, 'Login', { account });
 * resource.addOverride('password_wo', login.password);
 * resource.addOverride('password_wo_version', account.credentialsRevision);
 */
export class SmtpCredentials extends TerraformElement implements ITerraformDependable {
  readonly #props: SmtpCredentialsProps;

  constructor(scope: Construct, id: string, props: SmtpCredentialsProps) {
    super(scope, id, `ephemeral.${TYPE}`);
    this.#props = props;
  }

  get host(): string {
    return this.#text('host');
  }

  get port(): number {
    return Token.asNumber(this.#reference('port'));
  }

  get username(): string {
    return this.#text('username');
  }

  get password(): string {
    return this.#text('password');
  }

  /** `smtp://user:password@host:587`, percent-encoded. */
  get uri(): string {
    return this.#text('uri');
  }

  /** PEM bundle to trust, when the relay has a private CA; else null. */
  get caCertificate(): string {
    return this.#text('ca_certificate');
  }

  /** Neither core has this block: it is merged into the stack as it stands. */
  override toTerraform(): { ephemeral: object } {
    const { account, provider } = this.#props;
    const { accountName: name, namespace, uid } = account;
    // The uid is known when the account works, so Terraform opens the credentials after it.
    const block = defined({ name, namespace, uid, provider: provider?.fqn });
    return { ephemeral: { [TYPE]: { [this.friendlyUniqueId]: block } } };
  }

  #text(attribute: string): string {
    return Token.asString(this.#reference(attribute));
  }

  #reference(attribute: string) {
    return ref(`ephemeral.${TYPE}.${this.friendlyUniqueId}.${attribute}`, this.cdktfStack);
  }
}
