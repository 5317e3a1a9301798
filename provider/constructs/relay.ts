import { Construct } from 'constructs';
import type { ITerraformDependable } from '#core';
import { SmtpRelay as RelayResource } from '#bindings/smtp-relay/index.js';
import { defined } from './defined.ts';
import type { Delivery } from './delivery.ts';
import type { AllowedNamespaces } from './namespaces.ts';
import { mainResource, objectConfig, type ObjectProps } from './object.ts';
import type { RelayReference } from './relay-reference.ts';
import { deletionPolicy } from './removal-policy.ts';
import type { Storage } from './storage.ts';

export interface SmtpRelayProps extends ObjectProps {
  /** Where mail goes: `Delivery.smarthost(...)` or `Delivery.direct()`. */
  readonly delivery: Delivery;
  /** Public name: in the greeting, the certificate and the credentials. Default: the Service name. */
  readonly hostname?: string;
  /** Number of pods; more than one needs `Storage.postgres`. Default: 1. */
  readonly replicas?: number;
  /** Image of the pods. Default: the operator's own release. */
  readonly image?: string;
  readonly service?: {
    readonly type?: 'ClusterIP' | 'NodePort' | 'LoadBalancer';
    readonly annotations?: Record<string, string>;
    readonly externalTrafficPolicy?: 'Cluster' | 'Local';
  };
  /** Secret of type kubernetes.io/tls. Without it the operator makes a CA and a certificate. */
  readonly tlsSecretName?: string;
  /** Use a VERP return path and take bounces on port 25. Default: false. */
  readonly bounces?: boolean;
  /** Where accepted mail is kept. Default: `Storage.embedded()`. */
  readonly storage?: Storage;
  /** Workspaces that may use this relay. Default: its own namespace. */
  readonly allowedNamespaces?: AllowedNamespaces;
  /** Plan of workspaces that have no PlanLimit. */
  readonly defaultPlan?: '10k' | '20k' | '30k';
  readonly messageLimits?: { readonly maxSize?: string; readonly maxRecipients?: number };
  /** Age at which delivery reports are removed. Default: `720h`. */
  readonly reportRetention?: string;
  /** Merged over the pod template: metadata, resources, nodeSelector and so on. */
  readonly podTemplate?: object;
}

/**
 * An SMTP submission service. Applied means: its pods answer logins.
 *
 * @example
 * new SmtpRelay(this, 'Relay', { namespace: 'mail', delivery: Delivery.smarthost({ host: 'smtp.example.net' }) });
 */
export class SmtpRelay extends Construct implements RelayReference, ITerraformDependable {
  /** A relay that is declared elsewhere, in that namespace. */
  static fromName(relayName: string, relayNamespace?: string): RelayReference {
    return defined({ relayName, relayNamespace });
  }

  /** The Terraform resource: everything that this construct does not offer. */
  readonly resource: RelayResource;

  constructor(scope: Construct, id: string, props: SmtpRelayProps) {
    super(scope, id);
    const { hostname, replicas, image, service, defaultPlan, messageLimits } = props;
    const plain = { hostname, replicas, image, service, defaultPlan, messageLimits };
    const config = defined({
      ...objectConfig(this, 'SmtpRelay', props),
      ...plain,
      tls: props.tlsSecretName === undefined ? undefined : { secretName: props.tlsSecretName },
      delivery: props.delivery.toFields(),
      bounces: props.bounces === undefined ? undefined : { enabled: props.bounces },
      storage: props.storage?.toFields(),
      allowedNamespaces: props.allowedNamespaces?.toFields(),
      retention: props.reportRetention === undefined ? undefined : { reports: props.reportRetention },
      deletionPolicy: deletionPolicy(props.removalPolicy),
      podTemplate: props.podTemplate && JSON.stringify(props.podTemplate),
    });
    this.resource = mainResource(this, RelayResource, config);
  }

  get fqn(): string {
    return this.resource.fqn;
  }

  /** Name of the relay, filled in by Terraform: what refers to it is applied after it. */
  get relayName(): string {
    return this.resource.name;
  }

  get relayNamespace(): string {
    return this.resource.namespace;
  }

  /** Host that clients use. */
  get address(): string {
    return this.resource.address;
  }

  /** PEM bundle that clients need to trust; empty with a public certificate. */
  get caBundle(): string {
    return this.resource.caBundle;
  }
}
