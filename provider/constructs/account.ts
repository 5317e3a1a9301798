import type { Construct } from 'constructs';
import { Lazy, Token, type ITerraformDependable } from '#core';
import { SmtpAccount as AccountResource } from '#bindings/smtp-account/index.js';
import { SmtpAccountBase, type ISmtpAccount } from './account-base.ts';
import { CredentialsSecret, type SecretFormat } from './credentials-secret.ts';
import { defined, definedOrAbsent } from './defined.ts';
import { ImportedSmtpAccount, type SmtpAccountLookup } from './imported-account.ts';
import { mainResource, objectConfig, type ObjectProps } from './object.ts';
import { relayReference, type RelayReference } from './relay-reference.ts';
import { deletionPolicy } from './removal-policy.ts';
import type { Rotation } from './rotation.ts';
import type { SendingLimit } from './sending-limit.ts';

export interface SmtpAccountProps extends ObjectProps {
  /** A label for people. */
  readonly displayName?: string;
  /** The relay that carries its mail. Default: the relay of the namespace, else the operator's own that admits it. */
  readonly relay?: RelayReference;
  /** Addresses or `*@domain`; see `VerifiedDomain.grantSend`. Empty: every verified domain of the workspace. */
  readonly allowedSenders?: readonly string[];
  /** Limits of this account. */
  readonly limits?: SendingLimit;
  /** Refuse logins and hold queued mail; the slot in the plan is kept. */
  readonly suspended?: boolean;
  /** The Secret that apps mount. */
  readonly secret?: SecretProps;
  /** Bring a password: key (default `password`) of a Secret, read again within a minute of a change. */
  readonly passwordFrom?: { readonly name: string; readonly key?: string };
  /** When the password changes. */
  readonly rotation?: Rotation;
  /** Workloads restarted after a rotation; those that mount the Secret do not need it. */
  readonly rolloutTargets?: readonly RolloutTarget[];
}

export interface SecretProps {
  /** Name of the Secret. Default: `<account>-smtp`. */
  readonly name?: string;
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
  /** Which keys it has. Default: both forms. */
  readonly format?: SecretFormat;
  /** Sender address published in it. Default: the first literal allowed sender, else noreply@ the first domain. */
  readonly from?: string;
  /** Further keys from templates: `{ MAIL_URL: '{{uri}}' }`. */
  readonly keys?: Record<string, string>;
}

export interface RolloutTarget {
  readonly kind: 'Deployment' | 'StatefulSet' | 'DaemonSet';
  readonly name: string;
}

/**
 * Credentials to send mail, with senders, limits and rotation. Applied means: the login was tried on every relay pod
 * and the Secret holds it. Terraform never sees the password.
 *
 * @example
 * const account = new SmtpAccount(this, 'Orders', { namespace: 'shop', limits: SendingLimit.perDay(10_000) });
 * domain.grantSend(account, 'orders');
 * container.env = account.env();
 */
export class SmtpAccount extends SmtpAccountBase implements ITerraformDependable {
  /** An account that is declared elsewhere, read from the cluster at plan time. */
  static fromName(scope: Construct, id: string, name: string, lookup?: SmtpAccountLookup): ISmtpAccount {
    return new ImportedSmtpAccount(scope, id, name, lookup);
  }

  readonly accountName: string;
  readonly namespace: string;
  readonly secret: CredentialsSecret;
  /**
   * The Secret under the name that this code gives it, for manifests that something else than Terraform applies.
   * `secret` has a name that Terraform fills in.
   */
  readonly declaredSecret: CredentialsSecret;
  /** The Terraform resource: everything that this construct does not offer. */
  readonly resource: AccountResource;
  readonly #senders: string[];
  readonly #targets: RolloutTarget[];

  constructor(scope: Construct, id: string, props: SmtpAccountProps = {}) {
    super(scope, id);
    this.#senders = [...(props.allowedSenders ?? [])];
    this.#targets = [...(props.rolloutTargets ?? [])];
    const config = defined({
      ...objectConfig(this, 'SmtpAccount', props),
      displayName: props.displayName,
      relayRef: relayReference(props.relay),
      allowedSenders: Lazy.listValue({ produce: () => this.#senders }, { omitEmpty: true }),
      limits: props.limits?.toFields(),
      suspended: props.suspended,
      secret: definedOrAbsent({ ...props.secret, deletionPolicy: deletionPolicy(props.removalPolicy) }),
      passwordFrom: props.passwordFrom,
      rotation: props.rotation?.toFields(),
      rolloutTargets: Lazy.anyValue({ produce: () => this.#targets }, { omitEmptyArray: true }),
    });
    this.resource = mainResource(this, AccountResource, config);
    this.accountName = config.name;
    this.namespace = props.namespace ?? 'default';
    const shape = defined({ format: props.secret?.format, keys: Object.keys(props.secret?.keys ?? {}) });
    this.secret = new CredentialsSecret(this.resource.secretName, shape);
    this.declaredSecret = new CredentialsSecret(props.secret?.name ?? `${this.accountName}-smtp`, shape);
  }

  get fqn(): string {
    return this.resource.fqn;
  }

  get username(): string {
    return this.resource.username;
  }

  get host(): string {
    return this.resource.host;
  }

  get port(): number {
    return this.resource.port;
  }

  get tlsPort(): number {
    return this.resource.tlsPort;
  }

  get credentialsRevision(): number {
    return this.resource.credentialsRevision;
  }

  get uid(): string {
    return this.resource.uid;
  }

  allowSender(sender: string): void {
    if (Token.isUnresolved(sender) || !this.#senders.includes(sender)) this.#senders.push(sender);
  }

  /** Restart this workload after a rotation, for apps that read their credentials from variables. */
  restartOnRotation(target: RolloutTarget): void {
    this.#targets.push(target);
  }
}
