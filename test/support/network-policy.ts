/**
 * What a network that enforces NetworkPolicies lets through, worked out from the objects.
 * Role: the test cluster has no such network; this says of real objects what one would do. Limits: selectors by
 * matchLabels and numbered ports, as ours are; anything else is an error and not a guess.
 */

type Labels = Record<string, string>;
interface Selector {
  matchLabels?: Labels;
}
interface Peer {
  namespaceSelector?: Selector;
  podSelector?: Selector;
}
interface PolicyPort {
  port?: number;
  protocol?: string;
}
interface Rule {
  from?: Peer[];
  to?: Peer[];
  ports?: PolicyPort[];
}
export interface NetworkPolicy {
  metadata: { name: string; namespace: string };
  spec: { podSelector: Selector; policyTypes: string[]; ingress?: Rule[]; egress?: Rule[] };
}

export interface PodPlace {
  namespace: { name: string; labels: Labels };
  labels: Labels;
}

/** 'outside': an address that is no pod's. */
export type Place = PodPlace | 'outside';

export interface Flow {
  from: Place;
  to: Place;
  port: number;
  protocol?: 'TCP' | 'UDP';
}

/** Both sides must let it: what leaves the one and what enters the other. */
export function mayReach(policies: readonly NetworkPolicy[], flow: Flow): boolean {
  return passes(policies, 'Egress', flow) && passes(policies, 'Ingress', flow);
}

/** A pod that no policy of this type selects is open; one that some select takes what any of them allows. */
function passes(policies: readonly NetworkPolicy[], type: 'Ingress' | 'Egress', flow: Flow): boolean {
  const [own, peer] = type === 'Ingress' ? [flow.to, flow.from] : [flow.from, flow.to];
  if (own === 'outside') return true;
  const selecting = policies.filter(
    ({ metadata, spec }) =>
      metadata.namespace === own.namespace.name &&
      spec.policyTypes.includes(type) &&
      selects(spec.podSelector, own.labels),
  );
  if (selecting.length === 0) return true;
  return selecting.some(({ metadata, spec }) =>
    (type === 'Ingress' ? (spec.ingress ?? []) : (spec.egress ?? [])).some(
      (rule) => allowsPort(rule, flow) && allowsPeer(rule, type, peer, metadata.namespace),
    ),
  );
}

function allowsPort({ ports }: Rule, { port, protocol = 'TCP' }: Flow): boolean {
  if (ports === undefined || ports.length === 0) return true;
  return ports.some((entry) => {
    known(entry, ['port', 'protocol']);
    if (typeof entry.port !== 'number') throw new Error('only numbered ports are understood');
    return entry.port === port && (entry.protocol ?? 'TCP') === protocol;
  });
}

function allowsPeer(rule: Rule, type: 'Ingress' | 'Egress', peer: Place, home: string): boolean {
  const peers = type === 'Ingress' ? rule.from : rule.to;
  if (peers === undefined || peers.length === 0) return true;
  return peers.some((entry) => {
    known(entry, ['namespaceSelector', 'podSelector']);
    if (peer === 'outside') return false;
    const isNamespace =
      entry.namespaceSelector === undefined
        ? peer.namespace.name === home
        : selects(entry.namespaceSelector, peer.namespace.labels);
    return isNamespace && (entry.podSelector === undefined || selects(entry.podSelector, peer.labels));
  });
}

function selects(selector: Selector, labels: Labels): boolean {
  known(selector, ['matchLabels']);
  return Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
}

function known(object: object, keys: readonly string[]): void {
  const other = Object.keys(object).find((key) => !keys.includes(key));
  if (other !== undefined) throw new Error(`${other} of a NetworkPolicy is not understood here`);
}
