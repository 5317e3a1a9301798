/** The objects that an installation consists of, besides the CRDs. Pure. */
import { relayApi } from '../api/index.ts';
import { DNS_PORTS } from '../options.ts';
import { REPORTS_NAME } from '../reports/names.ts';
import { operatorRoles, peopleRoles, reportsReader, watchedBindings } from './roles.ts';
import {
  DEFAULTS,
  HEALTH_PORT,
  inNamespace,
  LABELS,
  NAME,
  REPORTS_PORT,
  SELECTOR,
  type InstallSettings,
  type Manifest,
} from './settings.ts';
import { deployment } from './workload.ts';

export function manifests(settings: InstallSettings = DEFAULTS): Manifest[] {
  return [
    namespace(settings),
    {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: inNamespace(settings, NAME),
      automountServiceAccountToken: false,
    },
    ...operatorRoles(settings),
    ...peopleRoles(),
    networkPolicy(settings),
    reportsService(settings),
    ...reportsReader(settings),
    deployment(settings),
    ...watchedBindings(settings),
  ];
}

/** The label asks admission for the restricted standard; servers that do not know it ignore it. */
function namespace(settings: InstallSettings): Manifest {
  const labels = {
    ...LABELS,
    'pod-security.kubernetes.io/enforce': 'restricted',
    // Set by the API server itself since 1.21; NetworkPolicies of relays name the operator's namespace by it.
    'kubernetes.io/metadata.name': settings.namespace,
  };
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name: settings.namespace, labels } };
}

/** Of distributions: the usual ones, and MicroK8s. */
const API_SERVER_PORTS = [443, 6443, 16443];

/**
 * What the operator needs, and nothing else, where the network enforces it: its probes, metrics and reports inwards;
 * name servers, API servers, and relay pods outwards.
 */
function networkPolicy(settings: InstallSettings): Manifest {
  const tcp = (port: number): Manifest => ({ port, protocol: 'TCP' });
  const outwards = [...DNS_PORTS, ...API_SERVER_PORTS, relayApi.ADMIN_PORT, relayApi.STARTTLS_PORT];
  const names = DNS_PORTS.map((port) => ({ port, protocol: 'UDP' }));
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: inNamespace(settings, NAME),
    spec: {
      podSelector: { matchLabels: SELECTOR },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ ports: [tcp(HEALTH_PORT), tcp(REPORTS_PORT)] }],
      egress: [{ ports: [...names, ...outwards.map(tcp)] }],
    },
  };
}

function reportsService(settings: InstallSettings): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: inNamespace(settings, REPORTS_NAME),
    spec: {
      selector: SELECTOR,
      ports: [{ name: 'https', port: 443, targetPort: 'reports', protocol: 'TCP' }],
    },
  };
}

/**
 * A drain takes one replica at a time, so that another can lead. `policy/v1` is served since 1.21, `policy/v1beta1` until
 * 1.24: the chart asks the cluster, and what is installed from files stands in a file of its own.
 */
export function disruptionBudget(settings: InstallSettings, apiVersion: string): Manifest {
  return {
    apiVersion,
    kind: 'PodDisruptionBudget',
    metadata: inNamespace(settings, NAME),
    spec: { maxUnavailable: 1, selector: { matchLabels: SELECTOR } },
  };
}
