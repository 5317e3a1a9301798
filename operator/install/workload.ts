/** The operator's Deployment: two replicas under the restricted Pod Security Standard. */
import {
  HEALTH_PORT,
  inNamespace,
  LABELS,
  NAME,
  REPORTS_PORT,
  SELECTOR,
  type InstallSettings,
  type Manifest,
} from './settings.ts';

export function deployment(settings: InstallSettings): Manifest {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: inNamespace(settings, NAME),
    spec: {
      replicas: settings.replicas,
      selector: { matchLabels: SELECTOR },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 1 } },
      template: { metadata: { labels: LABELS }, spec: podSpec(settings) },
    },
  };
}

function podSpec(settings: InstallSettings): Manifest {
  return {
    serviceAccountName: NAME,
    automountServiceAccountToken: true,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: 15,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 65532,
      runAsGroup: 65532,
      fsGroup: 65532,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'kubernetes.io/hostname',
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: SELECTOR },
      },
    ],
    containers: [container(settings)],
    volumes: [{ name: 'tmp', emptyDir: {} }],
  };
}

function container({ image, relayImage, watchNamespaces, env }: InstallSettings): Manifest {
  const variables = {
    RELAY_IMAGE: relayImage,
    HEALTH_PORT: String(HEALTH_PORT),
    REPORTS_PORT: String(REPORTS_PORT),
    // A container that is started again in its pod takes half the time.
    NODE_COMPILE_CACHE: '/tmp/compile-cache',
    // With the default of 16 MB the young generation alone takes 48; see main.ts for the old one.
    NODE_OPTIONS: '--max-semi-space-size=8',
    // Beside V8's heap: the C library keeps what thousands of connections have given back, once for each thread.
    MALLOC_ARENA_MAX: '2',
    MALLOC_TRIM_THRESHOLD_: '131072',
    MALLOC_MMAP_THRESHOLD_: '131072',
    ...(watchNamespaces.length === 0 ? {} : { WATCH_NAMESPACES: watchNamespaces.join(',') }),
    ...env,
  };
  const probe = (path: string, rest: Manifest): Manifest => ({
    httpGet: { path, port: 'health' },
    timeoutSeconds: 2,
    ...rest,
  });
  return {
    name: 'operator',
    image,
    env: Object.entries(variables).map(([name, value]) => ({ name, value })),
    ports: [
      { name: 'health', containerPort: HEALTH_PORT, protocol: 'TCP' },
      { name: 'reports', containerPort: REPORTS_PORT, protocol: 'TCP' },
    ],
    resources: { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
    // A busy node may take long to start it; after that it must not be silent for half a minute.
    startupProbe: probe('/livez', { periodSeconds: 1, failureThreshold: 120 }),
    livenessProbe: probe('/livez', { periodSeconds: 10, failureThreshold: 3 }),
    readinessProbe: probe('/readyz', { periodSeconds: 2, failureThreshold: 3 }),
  };
}
