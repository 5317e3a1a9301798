/** Which keys a credentials Secret has: SMTP_* (Env), host, port and so on (Binding), or both. */
export type SecretFormat = 'Both' | 'Env' | 'Binding';

/** What an app can read of its credentials. */
export type CredentialField = 'host' | 'port' | 'username' | 'password' | 'encryption' | 'from' | 'uri';

/** One variable of a container, as Kubernetes manifests and @cdktf/provider-kubernetes write it. */
export interface EnvVar {
  readonly name: string;
  readonly valueFrom: {
    readonly secretKeyRef: { readonly name: string; readonly key: string; readonly optional?: boolean };
  };
}

/** All keys of a Secret as variables of a container. */
export interface EnvFromSource {
  readonly prefix?: string;
  readonly secretRef: { readonly name: string };
}

/** A volume of a pod with its place in a container. */
export interface SecretMount {
  readonly volume: { readonly name: string; readonly secret: { readonly secretName: string } };
  readonly volumeMount: { readonly name: string; readonly mountPath: string; readonly readOnly: boolean };
}

const SMTP_NAMES: Partial<Record<CredentialField, string>> = {
  host: 'SMTP_HOST',
  port: 'SMTP_PORT',
  username: 'SMTP_USERNAME',
  password: 'SMTP_PASSWORD',
  encryption: 'SMTP_ENCRYPTION',
  from: 'SMTP_FROM',
};

export interface CredentialsSecretOptions {
  readonly format?: SecretFormat;
  /** Further keys that the account adds, which are variables under their own names. */
  readonly keys?: readonly string[];
}

/**
 * The Secret that an account fills, in the words of a pod. Plain data without types of a Kubernetes package: it fits
 * `env`, `env_from`, `volume` and `volume_mount` of @cdktf/provider-kubernetes as well as a manifest.
 */
export class CredentialsSecret {
  readonly name: string;
  readonly #format: SecretFormat;
  readonly #keys: readonly string[];

  constructor(name: string, options: CredentialsSecretOptions = {}) {
    this.name = name;
    this.#format = options.format ?? 'Both';
    this.#keys = options.keys ?? [];
  }

  /**
   * Variables of a container. Without `names` SMTP_HOST, SMTP_PORT, SMTP_USERNAME, SMTP_PASSWORD, SMTP_ENCRYPTION and
   * SMTP_FROM, and the keys that the account adds; with `names` exactly those, `{ host: 'MAIL_HOST' }`.
   * A running container keeps its variables: name the workload in `rolloutTargets`, or mount the Secret.
   */
  env(names?: Partial<Record<CredentialField, string>>): EnvVar[] {
    const wanted = Object.entries(names ?? SMTP_NAMES) as [CredentialField, string][];
    const variables = wanted.map(([field, name]) =>
      this.#variable(name, this.#keyOf(field), field === 'from'),
    );
    const added = names === undefined ? this.#keys.map((key) => this.#variable(key, key, false)) : [];
    return [...variables, ...added];
  }

  /** Every key of the Secret as a variable; of those in `Binding` form, too, so give such an account `format: 'Env'`. */
  envFrom(prefix?: string): EnvFromSource {
    return { ...(prefix !== undefined && { prefix }), secretRef: { name: this.name } };
  }

  /**
   * The Secret as files: `<path>/username`, `<path>/password`, `<path>/ca.crt` and so on. Files follow a rotation
   * within about a minute, without a restart.
   */
  mount(path = '/bindings/smtp', volumeName = 'smtp-credentials'): SecretMount {
    return {
      volume: { name: volumeName, secret: { secretName: this.name } },
      volumeMount: { name: volumeName, mountPath: path, readOnly: true },
    };
  }

  /** `from` is absent until a sender is known, which must not keep a container from starting. */
  #variable(name: string, key: string, isOptional: boolean): EnvVar {
    const secretKeyRef = { name: this.name, key, ...(isOptional && { optional: true }) };
    return { name, valueFrom: { secretKeyRef } };
  }

  #keyOf(field: CredentialField): string {
    if (this.#format === 'Binding') return field;
    const key = SMTP_NAMES[field];
    if (key !== undefined) return key;
    if (this.#format === 'Both') return field;
    throw new Error(
      `Secret ${this.name} has no key "${field}": give its account secret.format Both or Binding`,
    );
  }
}
