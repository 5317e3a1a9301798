/** Names of everything that makes up a relay, and where its pods find things. */
import type { SmtpRelay } from '../../api/index.ts';
import { RELAY_LABEL } from '../../caches.ts';

/** Longer relay names would make Service names and label values that the API refuses. */
export const LONGEST_NAME = 50;

export const COMPONENT_LABEL = 'app.kubernetes.io/component';

export interface RelayNames {
  namespace: string;
  /** Deployment, Service, ConfigMap, PodDisruptionBudget. */
  workload: string;
  claim: string;
  /** Authority of the SMTP certificate, when the operator makes it. Never mounted. */
  authority: string;
  /** SMTP certificate, when the operator makes it. */
  certificate: string;
  /** Authority of the admin API. Never mounted. */
  adminAuthority: string;
  /** Server certificate of the admin API, mounted. */
  adminCertificate: string;
}

export function namesOf(relay: SmtpRelay): RelayNames {
  const { name, namespace } = relay.metadata;
  return {
    namespace: namespace!,
    workload: `${name}-relay`,
    claim: `${name}-store`,
    authority: `${name}-ca`,
    certificate: relay.spec.tls?.secretName ?? `${name}-tls`,
    adminAuthority: `${name}-admin-ca`,
    adminCertificate: `${name}-admin-tls`,
  };
}

/** Host in credentials: the public name, else the Service's. */
export function hostOf(relay: SmtpRelay): string {
  return relay.spec.hostname ?? serviceHost(relay);
}

export function serviceHost(relay: SmtpRelay): string {
  return `${namesOf(relay).workload}.${relay.metadata.namespace}.svc`;
}

/** Every name under which clients may reach the relay. */
export function certificateNames(relay: SmtpRelay): string[] {
  const { workload, namespace } = namesOf(relay);
  const service = [
    workload,
    `${workload}.${namespace}`,
    serviceHost(relay),
    `${serviceHost(relay)}.cluster.local`,
  ];
  return [...(relay.spec.hostname === undefined ? [] : [relay.spec.hostname]), ...service];
}

export function labelsOf(relay: SmtpRelay): Record<string, string> {
  return {
    ...selectorOf(relay),
    'app.kubernetes.io/name': 'migosmtp-relay',
    'app.kubernetes.io/managed-by': 'migosmtp-operator',
  };
}

/** Selects the pods; never changes, as a Deployment's selector cannot. */
export function selectorOf(relay: SmtpRelay): Record<string, string> {
  return { [RELAY_LABEL]: relay.metadata.name, [COMPONENT_LABEL]: 'relay' };
}

export const PATHS = {
  process: '/etc/migosmtp/relay',
  shards: '/etc/migosmtp/shards',
  tls: '/etc/migosmtp/tls',
  admin: '/etc/migosmtp/admin',
  postgres: '/etc/migosmtp/postgres',
  store: '/var/lib/migosmtp',
} as const;
