/** The pod template of a relay: restricted Pod Security, no API token, everything it needs mounted read-only. Pure. */
import { createHash } from 'node:crypto';
import { relayApi, type SmtpRelay } from '../../api/index.ts';
import { shardSecretName } from '../../projection/index.ts';
import { mergeTemplate } from './merge-template.ts';
import { labelsOf, namesOf, PATHS, selectorOf } from './names.ts';
import { BOUNCES_PORT, GRACE_SECONDS, processFile } from './settings.ts';

const UID = 65532;
const READ_BY_GROUP = 0o440;

export function podTemplate(relay: SmtpRelay, image: string): Record<string, unknown> {
  const merged = mergeTemplate(ownTemplate(relay, image), relay.spec.podTemplate ?? {});
  const metadata = (merged['metadata'] ?? {}) as { labels?: Record<string, string> };
  const spec = merged['spec'] as Record<string, unknown>;
  return {
    ...merged,
    // A Deployment whose template leaves its selector is refused; a token in a relay pod is never wanted.
    metadata: { ...metadata, labels: { ...metadata.labels, ...selectorOf(relay) } },
    spec: { ...spec, automountServiceAccountToken: false },
  };
}

function ownTemplate(relay: SmtpRelay, image: string): Record<string, unknown> {
  return {
    metadata: {
      labels: labelsOf(relay),
      // The process file is read at start only: a change rolls the pods.
      annotations: { 'migosmtp.com/config': hashOf(processFile(relay)) },
    },
    spec: {
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: GRACE_SECONDS + 15,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: UID,
        runAsGroup: UID,
        fsGroup: UID,
        fsGroupChangePolicy: 'OnRootMismatch',
        seccompProfile: { type: 'RuntimeDefault' },
      },
      ...((relay.spec.replicas ?? 1) > 1 ? { topologySpreadConstraints: [spread(relay)] } : {}),
      containers: [container(relay, image)],
      volumes: volumes(relay),
    },
  };
}

function spread(relay: SmtpRelay): Record<string, unknown> {
  return {
    maxSkew: 1,
    topologyKey: 'kubernetes.io/hostname',
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: { matchLabels: selectorOf(relay) },
  };
}

function container(relay: SmtpRelay, image: string): Record<string, unknown> {
  const ports = [
    ['starttls', relayApi.STARTTLS_PORT],
    ['tls', relayApi.TLS_PORT],
    ['admin', relayApi.ADMIN_PORT],
    ['health', relayApi.HEALTH_PORT],
    ...(relay.spec.bounces?.enabled === true ? [['bounces', BOUNCES_PORT]] : []),
  ];
  const probe = (path: string, rest: object): object => ({
    httpGet: { path, port: 'health', scheme: 'HTTP' },
    timeoutSeconds: 2,
    successThreshold: 1,
    ...rest,
  });
  return {
    name: 'relay',
    image,
    args: ['--config', `${PATHS.process}/relay.yaml`],
    env: [
      { name: 'NODE_COMPILE_CACHE', value: '/tmp/compile-cache' },
      { name: 'POD_NAME', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } },
    ],
    ports: ports.map(([name, containerPort]) => ({ name, containerPort, protocol: 'TCP' })),
    resources: { requests: { cpu: '50m', memory: '128Mi' } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      capabilities: { drop: ['ALL'] },
    },
    startupProbe: probe('/livez', { periodSeconds: 1, failureThreshold: 60 }),
    livenessProbe: probe('/livez', { periodSeconds: 5, failureThreshold: 6 }),
    readinessProbe: probe('/readyz', { periodSeconds: 1, failureThreshold: 2 }),
    volumeMounts: mounts(relay),
  };
}

function mounts(relay: SmtpRelay): Record<string, unknown>[] {
  const readOnly = [
    ['process', PATHS.process],
    ['shards', PATHS.shards],
    ['tls', PATHS.tls],
    ['admin', PATHS.admin],
    ...(relay.spec.storage?.postgres === undefined ? [] : [['postgres', PATHS.postgres]]),
  ].map(([name, mountPath]) => ({ name, mountPath, readOnly: true }));
  return [...readOnly, { name: 'store', mountPath: PATHS.store }, { name: 'tmp', mountPath: '/tmp' }];
}

function volumes(relay: SmtpRelay): Record<string, unknown>[] {
  const names = namesOf(relay);
  const secret = (secretName: string): object => ({ secret: { secretName, defaultMode: READ_BY_GROUP } });
  const postgres = relay.spec.storage?.postgres;
  return [
    { name: 'process', configMap: { name: names.workload, defaultMode: READ_BY_GROUP } },
    { name: 'shards', projected: { defaultMode: READ_BY_GROUP, sources: shardSources(relay) } },
    { name: 'tls', ...secret(names.certificate) },
    { name: 'admin', ...secret(names.adminCertificate) },
    postgres === undefined
      ? { name: 'store', persistentVolumeClaim: { claimName: names.claim } }
      : { name: 'store', emptyDir: {} }, // Mail is in the database; this holds acknowledged shards only.
    { name: 'tmp', emptyDir: {} },
    ...(postgres === undefined ? [] : [postgresVolume(postgres.secretRef)]),
  ];
}

/** The URI under one name whatever its key; the CA beside it, where the Secret has one. */
function postgresVolume({ name, key }: { name: string; key?: string | undefined }): Record<string, unknown> {
  const sources = [
    { secret: { name, items: [{ key: key ?? 'uri', path: 'uri' }] } },
    { secret: { name, items: [{ key: 'ca.crt', path: 'ca.crt' }], optional: true } },
  ];
  return { name: 'postgres', projected: { defaultMode: READ_BY_GROUP, sources } };
}

/** One volume for all shards: `<folder>/<n>/config.json`. */
function shardSources(relay: SmtpRelay): Record<string, unknown>[] {
  return Array.from({ length: relayApi.SHARD_COUNT }, (_, shard) => ({
    secret: {
      name: shardSecretName(relay.metadata.name, shard),
      items: [{ key: relayApi.SHARD_SECRET_KEY, path: `${shard}/${relayApi.SHARD_SECRET_KEY}` }],
    },
  }));
}

export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
