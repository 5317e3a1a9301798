import { Construct, type IConstruct } from 'constructs';
import type {
  CredentialField,
  CredentialsSecret,
  EnvFromSource,
  EnvVar,
  SecretMount,
} from './credentials-secret.ts';

/** An SMTP account, declared here or elsewhere. */
export interface ISmtpAccount extends IConstruct {
  readonly accountName: string;
  readonly namespace: string;
  /** The Secret with the credentials; whatever refers to it is applied after the account works. */
  readonly secret: CredentialsSecret;
  /** Login name, for the life of the account. */
  readonly username: string;
  /** Host that clients connect to. */
  readonly host: string;
  /** Port for STARTTLS, 587. */
  readonly port: number;
  /** Port for TLS from the first byte, 465. */
  readonly tlsPort: number;
  /** Counts the passwords: changes with each rotation, so it can trigger what must follow. */
  readonly credentialsRevision: number;
  /** Unique id of the object, known once the account works. */
  readonly uid: string;
  /** Variables for a container; see `CredentialsSecret.env`. */
  env(names?: Partial<Record<CredentialField, string>>): EnvVar[];
  /** All keys of the Secret for a container. */
  envFrom(prefix?: string): EnvFromSource;
  /** The Secret as files in a container. */
  mount(path?: string, volumeName?: string): SecretMount;
  /** Let the account send from an address, or from all of a domain, `*@example.com`. */
  allowSender(sender: string): void;
}

export abstract class SmtpAccountBase extends Construct implements ISmtpAccount {
  abstract readonly accountName: string;
  abstract readonly namespace: string;
  abstract readonly secret: CredentialsSecret;
  abstract readonly username: string;
  abstract readonly host: string;
  abstract readonly port: number;
  abstract readonly tlsPort: number;
  abstract readonly credentialsRevision: number;
  abstract readonly uid: string;

  env(names?: Partial<Record<CredentialField, string>>): EnvVar[] {
    return this.secret.env(names);
  }

  envFrom(prefix?: string): EnvFromSource {
    return this.secret.envFrom(prefix);
  }

  mount(path?: string, volumeName?: string): SecretMount {
    return this.secret.mount(path, volumeName);
  }

  abstract allowSender(sender: string): void;
}
