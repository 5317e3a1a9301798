/** The objects that an installation consists of, besides the CRDs. Pure. */
import { relayApi } from '../api/index.ts';
import { REPORTS_NAME } from '../reports/names.ts';
import { operatorRoles, peopleRoles, reportsReader } from './roles.ts';
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

/**
 * What the operator needs, and nothing else, where the network enforces it: its probes, metrics and reports inwards;
 * name servers, API servers (the ports that distributions use), and relay pods outwards.
 */
function networkPolicy(settings: InstallSettings): Manifest {
  const tcp = (port: number): Manifest => ({ port, protocol: 'TCP' });
  const outwards = [53, 443, 6443, 16443, relayApi.ADMIN_PORT, relayApi.STARTTLS_PORT];
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: inNamespace(settings, NAME),
    spec: {
      podSelector: { matchLabels: SELECTOR },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ ports: [tcp(HEALTH_PORT), tcp(REPORTS_PORT)] }],
      egress: [{ ports: [{ port: 53, protocol: 'UDP' }, ...outwards.map(tcp)] }],
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
