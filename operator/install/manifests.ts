/** The objects that an installation consists of, besides the CRDs. Pure. */
import { REPORTS_NAME } from '../reports/names.ts';
import { operatorRoles, peopleRoles, reportsReader } from './roles.ts';
import {
  DEFAULTS,
  inNamespace,
  LABELS,
  NAME,
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
    reportsService(settings),
    ...reportsReader(settings),
    deployment(settings),
  ];
}

/** The label asks admission for the restricted standard; servers that do not know it ignore it. */
function namespace(settings: InstallSettings): Manifest {
  const labels = { ...LABELS, 'pod-security.kubernetes.io/enforce': 'restricted' };
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name: settings.namespace, labels } };
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
