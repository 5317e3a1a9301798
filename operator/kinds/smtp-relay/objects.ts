/** The objects of a relay other than Secrets, as they should be. Pure. */
import { quantityBytes, type SmtpRelay } from '../../api/index.ts';
import {
  ConfigMaps,
  Deployments,
  PersistentVolumeClaims,
  Services,
  type AnyObject,
  type Capabilities,
  type Resource,
} from '../../kube/index.ts';
import { relayOwner } from '../../projection/index.ts';
import { labelsOf, namesOf, selectorOf } from './names.ts';
import { policySpec, type PolicyFacts } from './network-policy.ts';
import { podTemplate } from './pod.ts';
import { processFile } from './settings.ts';

export type ObjectName = 'config' | 'service' | 'claim' | 'budget' | 'policy' | 'deployment';

export interface Wanted {
  name: ObjectName;
  resource: Resource;
  object: AnyObject;
}

export interface ObjectOptions {
  /** Image of relays that name none. */
  relayImage: string;
  capabilities: Capabilities;
  /** The claim's size as it is: a claim can grow only, and some classes not even that. */
  claimedSize: string | undefined;
  policy: PolicyFacts;
}

/** In the order in which they are applied: pods come last. */
export function wantedObjects(relay: SmtpRelay, options: ObjectOptions): Wanted[] {
  const wanted: Wanted[] = [
    { name: 'config', resource: ConfigMaps, object: configMap(relay) },
    { name: 'service', resource: Services, object: service(relay) },
  ];
  if (relay.spec.storage?.postgres === undefined) {
    wanted.push({
      name: 'claim',
      resource: PersistentVolumeClaims,
      object: claim(relay, options.claimedSize),
    });
  }
  const { podDisruptionBudgets } = options.capabilities;
  if ((relay.spec.replicas ?? 1) > 1 && podDisruptionBudgets !== undefined) {
    wanted.push({ name: 'budget', resource: podDisruptionBudgets, object: budget(relay) });
  }
  const { networkPolicies } = options.capabilities;
  if (networkPolicies !== undefined) {
    const object = { metadata: metadata(relay), ...policySpec(relay, options.policy) };
    wanted.push({ name: 'policy', resource: networkPolicies, object });
  }
  const image = relay.spec.image ?? options.relayImage;
  wanted.push({ name: 'deployment', resource: Deployments, object: deployment(relay, image) });
  return wanted;
}

function configMap(relay: SmtpRelay): AnyObject & { data: Record<string, string> } {
  return { metadata: metadata(relay), data: { 'relay.yaml': processFile(relay) } };
}

function service(relay: SmtpRelay): AnyObject & { spec: object } {
  const { type, annotations, externalTrafficPolicy } = relay.spec.service ?? {};
  const port = (name: string, port: number, targetPort: string): object => {
    return { name, port, targetPort, protocol: 'TCP' };
  };
  const isExternal = type !== undefined && type !== 'ClusterIP';
  return {
    metadata: { ...metadata(relay), ...(annotations === undefined ? {} : { annotations }) },
    spec: {
      type: type ?? 'ClusterIP',
      ...(isExternal ? { externalTrafficPolicy: externalTrafficPolicy ?? 'Cluster' } : {}),
      selector: selectorOf(relay),
      ports: [
        port('submission', SERVICE_PORTS.starttls, 'starttls'),
        port('submissions', SERVICE_PORTS.tls, 'tls'),
        ...(relay.spec.bounces?.enabled === true ? [port('bounces', 25, 'bounces')] : []),
      ],
    },
  };
}

/** Retained unless the policy says otherwise: then the owner takes it along. */
function claim(relay: SmtpRelay, claimedSize: string | undefined): AnyObject & { spec: object } {
  const embedded = relay.spec.storage?.embedded;
  const size = embedded?.size ?? '10Gi';
  const isShrunk = claimedSize !== undefined && quantityBytes(claimedSize) > quantityBytes(size);
  return {
    metadata: { ...retainedMetadata(relay), name: namesOf(relay).claim },
    spec: {
      accessModes: ['ReadWriteOnce'],
      ...(embedded?.storageClassName === undefined ? {} : { storageClassName: embedded.storageClassName }),
      resources: { requests: { storage: isShrunk ? claimedSize : size } },
    },
  };
}

function budget(relay: SmtpRelay): AnyObject & { spec: object } {
  return {
    metadata: metadata(relay),
    spec: { maxUnavailable: 1, selector: { matchLabels: selectorOf(relay) } },
  };
}

function deployment(relay: SmtpRelay, image: string): AnyObject & { spec: object } {
  const isEmbedded = relay.spec.storage?.postgres === undefined;
  return {
    metadata: metadata(relay),
    spec: {
      replicas: relay.spec.replicas ?? 1,
      selector: { matchLabels: selectorOf(relay) },
      progressDeadlineSeconds: 300,
      // Two pods on one store are refused by the store: the old one goes first.
      strategy: isEmbedded
        ? { type: 'Recreate' }
        : { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      template: podTemplate(relay, image),
    },
  };
}

function metadata(relay: SmtpRelay): AnyObject['metadata'] {
  const { workload, namespace } = namesOf(relay);
  return { namespace, name: workload, labels: labelsOf(relay), ownerReferences: [relayOwner(relay)] };
}

/** Of what outlives the relay unless its deletionPolicy is Delete: without an owner nothing collects it. */
export function retainedMetadata(relay: SmtpRelay): Omit<AnyObject['metadata'], 'name'> {
  const isRetained = (relay.spec.deletionPolicy ?? 'Retain') === 'Retain';
  return {
    namespace: relay.metadata.namespace!,
    labels: labelsOf(relay),
    ownerReferences: isRetained ? [] : [relayOwner(relay)],
  };
}

export const SERVICE_PORTS = { starttls: 587, tls: 465 } as const;
