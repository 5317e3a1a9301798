import { Construct, type IConstruct } from 'constructs';
import type { ITerraformDependable } from '#core';
import { DomainVerification } from '#bindings/domain-verification/index.js';
import { VerifiedDomain as DomainResource } from '#bindings/verified-domain/index.js';
import type { ISmtpAccount } from './account-base.ts';
import { defined } from './defined.ts';
import type { AllowedNamespaces } from './namespaces.ts';
import { mainResource, objectConfig, type ObjectProps } from './object.ts';
import { relayReference, type RelayReference } from './relay-reference.ts';
import type { ObjectRemovalPolicy } from './removal-policy.ts';

export interface VerifiedDomainProps extends ObjectProps {
  /** The domain, in lower case, A-labels for international names. Another one is another object. */
  readonly domain: string;
  /** The relay that sends for it. Default: the relay of the namespace, else the operator's own that admits it. */
  readonly relay?: RelayReference;
  /** Workspaces whose accounts may send from it. Default: its own. */
  readonly allowedNamespaces?: AllowedNamespaces;
  readonly dkim?: DkimProps;
  /** Whether a wrong SPF record keeps the domain from being Ready. Default: Warn. */
  readonly spf?: 'Required' | 'Warn' | 'Ignore';
  /** Whether a missing DMARC record does. Default: Warn. */
  readonly dmarc?: 'Required' | 'Warn' | 'Ignore';
  /** How often a verified domain is checked again. Default: `1h`. */
  readonly recheckInterval?: string;
  readonly removalPolicy?: ObjectRemovalPolicy;
}

export interface DkimProps {
  readonly keyType?: 'RSA2048' | 'Ed25519' | 'Both';
  /** Beginning of the selectors. Default: `migo`. */
  readonly selectorPrefix?: string;
  /** Change keys this often; the next key signs only after DNS shows it. */
  readonly rotationInterval?: string;
}

/** A DNS record to publish, as a zone of any DNS provider takes it; filled in by Terraform. */
export interface DnsRecord {
  readonly type: string;
  readonly name: string;
  readonly value: string;
}

export interface VerificationOptions {
  /** How long Terraform waits. Default: `60m`. */
  readonly timeout?: string;
  readonly dependsOn?: ITerraformDependable[];
}

export type DnsRecordPurpose =
  'ownership' | 'spf' | 'dkim' | 'dkimEd25519' | 'dkimNext' | 'dmarc' | 'returnPath' | 'returnPathSpf';

/** A sender domain, declared here or elsewhere. */
export interface IVerifiedDomain extends IConstruct {
  readonly domain: string;
  /**
   * Let an account send from this domain: from the given local parts, or from every address without any.
   * An account with grants sends only from what was granted.
   */
  grantSend(account: ISmtpAccount, ...localParts: string[]): void;
}

/**
 * A sender domain, proven by DNS records. Applied means: the records to publish are known, not yet that DNS has them.
 *
 * @example
 * const domain = new VerifiedDomain(this, 'Domain', { namespace: 'shop', domain: 'example.com' });
 * const dkim = domain.record('dkim');
 * domain.grantSend(account, 'orders', 'invoices');
 */
export class VerifiedDomain extends Construct implements IVerifiedDomain, ITerraformDependable {
  /** A domain that is declared elsewhere and open to the accounts that it is granted to. */
  static fromDomainName(scope: Construct, id: string, domain: string): IVerifiedDomain {
    return new ImportedDomain(scope, id, domain);
  }

  readonly domain: string;
  readonly namespace: string;
  /** The Terraform resource: everything that this construct does not offer. */
  readonly resource: DomainResource;
  readonly #isShared: boolean;

  constructor(scope: Construct, id: string, props: VerifiedDomainProps) {
    super(scope, id);
    const { domain, dkim, spf, dmarc, recheckInterval, allowedNamespaces } = props;
    const config = defined({
      ...objectConfig(this, 'VerifiedDomain', props),
      domain,
      relayRef: relayReference(props.relay),
      allowedNamespaces: allowedNamespaces?.toFields(),
      dkim,
      spf,
      dmarc,
      recheckInterval,
    });
    this.resource = mainResource(this, DomainResource, config);
    this.domain = domain;
    this.namespace = props.namespace ?? 'default';
    this.#isShared = allowedNamespaces !== undefined && allowedNamespaces.from !== 'Same';
  }

  get fqn(): string {
    return this.resource.fqn;
  }

  /**
   * A record to publish. `ownership`, `spf`, `dkim` and `dmarc` are always there; `dkimEd25519` with key type Both,
   * `dkimNext` while keys change, `returnPath` and `returnPathSpf` when the relay takes bounces: `resource.dnsRecords` lists
   * what is there.
   */
  record(purpose: DnsRecordPurpose): DnsRecord {
    const { type, name, value } = this.resource[`${purpose}Record`];
    return { type, name, value };
  }

  /**
   * A step that ends when DNS shows the records: put those that publish them into `dependsOn`, and this into the
   * `dependsOn` of what needs a verified domain.
   */
  verification(options: VerificationOptions = {}): ITerraformDependable {
    const { timeout, dependsOn } = options;
    return new DomainVerification(
      this,
      'Verification',
      defined({
        name: this.resource.name,
        namespace: this.resource.namespace,
        domainUid: this.resource.uid,
        timeouts: timeout === undefined ? undefined : { create: timeout },
        dependsOn,
      }),
    );
  }

  grantSend(account: ISmtpAccount, ...localParts: string[]): void {
    if (account.namespace !== this.namespace && !this.#isShared) {
      throw new Error(
        `${this.node.path}: ${this.domain} belongs to namespace ${this.namespace}, account ${account.accountName} to ` +
          `${account.namespace}: set allowedNamespaces, such as AllowedNamespaces.all()`,
      );
    }
    grantSend(this.domain, account, localParts);
  }
}

class ImportedDomain extends Construct implements IVerifiedDomain {
  readonly domain: string;

  constructor(scope: Construct, id: string, domain: string) {
    super(scope, id);
    this.domain = domain;
  }

  grantSend(account: ISmtpAccount, ...localParts: string[]): void {
    grantSend(this.domain, account, localParts);
  }
}

function grantSend(domain: string, account: ISmtpAccount, localParts: string[]): void {
  for (const localPart of localParts.length > 0 ? localParts : ['*'])
    account.allowSender(`${localPart}@${domain}`);
}
