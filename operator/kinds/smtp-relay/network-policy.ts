/**
 * Who may talk to a relay's pods, and whom they may talk to: everything else is denied, where the cluster's network
 * enforces it. Pure. Policies add up: what a cluster needs besides (a sidecar's collector, a next hop behind a Service
 * whose pods listen on another port) is allowed by another NetworkPolicy, not by changing this one.
 */
import { relayApi, type SmtpRelay } from '../../api/index.ts';
import { DNS_PORTS } from '../../options.ts';
import { selectorOf } from './names.ts';
import { BOUNCES_PORT } from './settings.ts';

export interface PolicyFacts {
  /** Namespace and labels of the operator's pods. */
  operator: { namespace: string; labels: Record<string, string> };
  /** Undefined without PostgreSQL. */
  postgresPort: number | undefined;
}

interface Port {
  port: number;
  protocol: 'TCP' | 'UDP';
}

/** MTA-STS policies, which direct delivery reads, and webhooks. */
const HTTPS_PORT = 443;
const SMTP_PORT = 25;

export function policySpec(relay: SmtpRelay, facts: PolicyFacts): { spec: object } {
  const { operator } = facts;
  const clients = [
    relayApi.STARTTLS_PORT,
    relayApi.TLS_PORT,
    relayApi.HEALTH_PORT,
    ...(relay.spec.bounces?.enabled === true ? [BOUNCES_PORT] : []),
  ];
  const fromOperator = {
    // A label that the API server sets by itself since 1.21; the installation sets it for those before.
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': operator.namespace } },
    podSelector: { matchLabels: operator.labels },
  };
  return {
    spec: {
      podSelector: { matchLabels: selectorOf(relay) },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [
        { ports: clients.map((port) => tcp(port)) },
        { from: [fromOperator], ports: [tcp(relayApi.ADMIN_PORT)] },
      ],
      egress: [{ ports: [...DNS_PORTS.map(udp), ...outwards(relay, facts).map(tcp)] }],
    },
  };
}

/** Next hops, receivers and databases have no fixed address: their ports are what can be said. */
function outwards(relay: SmtpRelay, { postgresPort }: PolicyFacts): number[] {
  const { smarthost } = relay.spec.delivery;
  const mail = smarthost === undefined ? [SMTP_PORT, HTTPS_PORT] : [smarthost.port ?? 587];
  const webhooks = (relay.spec.webhooks ?? []).map(({ url }) => portOf(url));
  const all = [...DNS_PORTS, ...mail, ...webhooks, ...(postgresPort === undefined ? [] : [postgresPort])];
  return [...new Set(all)].toSorted((a, b) => a - b);
}

function portOf(url: string): number {
  if (!URL.canParse(url)) return HTTPS_PORT;
  const { port, protocol } = new URL(url);
  return port === '' ? (protocol === 'http:' ? 80 : HTTPS_PORT) : Number(port);
}

/** Port in a connection URI of PostgreSQL; its own default without one, or where it cannot be read. */
export function postgresPortOf(uri: string): number {
  const port = /^postgres(?:ql)?:\/\/[^/?]*:([0-9]{1,5})(?:[/?,]|$)/.exec(uri)?.[1];
  return port === undefined ? 5432 : Number(port);
}

function tcp(port: number): Port {
  return { port, protocol: 'TCP' };
}

function udp(port: number): Port {
  return { port, protocol: 'UDP' };
}
