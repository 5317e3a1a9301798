/** The operator's settings, from its environment. */
import type { OperatorOptions } from './context.ts';
import { parseDnsServers } from './dns/index.ts';

/** Release of this operator; its relays run the same. */
export const RELEASE = '0.1.0';

/** Labels that tell the operator's pods from all others in their namespace. */
export const OPERATOR_LABELS = { 'app.kubernetes.io/name': 'migosmtp-operator' };

/**
 * Ports of name servers that NetworkPolicies allow. Behind a Service the port of its pods counts, and those of
 * OpenShift's name servers listen on 5353.
 */
export const DNS_PORTS = [53, 5353] as const;

export const USAGE = `The MigoSMTP operator, release ${RELEASE}. It runs in a cluster, or where a kubeconfig leads to one, and takes no arguments.
Settings are environment variables:
  WATCH_NAMESPACES      namespaces to serve, comma-separated; default: all
  RELAY_IMAGE           image of relays that name none; default: this release
  DNS_SERVERS           resolvers for domain checks, ip or ip:port, comma-separated; default: the system's
  DNS_GRACE_CHECKS, DNS_GRACE_SECONDS
                        a proven domain stops sending after so many failed checks over so long; default: 5, 86400
  SECRET_CHECK_SECONDS  how often a credentials Secret is looked at; default: 30
  HEALTH_PORT           /livez, /readyz, /metrics; default: 8080
  REPORTS_PORT          reports API; default: 8443
  LOG_LEVEL             debug, info, warn, error; default: info
docs/install.md has more.
`;

/**
 * WATCH_NAMESPACES: comma-separated; empty or absent: all.
 * RELAY_IMAGE: image of relays that name none.
 * SECRET_CHECK_SECONDS: how often each credentials Secret is looked at (default 30), and the Secrets of a relay if that
 * is less than 30.
 * DNS_SERVERS: resolver for domain checks, comma-separated `ip[:port]`; default: the system's.
 * DNS_GRACE_CHECKS, DNS_GRACE_SECONDS: a proven domain stops sending after so many failed checks in a row over so
 * long (defaults 5 and 86400).
 */
export function readOptions(env: NodeJS.ProcessEnv, operatorNamespace: string): OperatorOptions {
  return {
    operatorNamespace,
    watchNamespaces: withOwn(listOf(env['WATCH_NAMESPACES']), operatorNamespace),
    relayImage: env['RELAY_IMAGE'] ?? `ghcr.io/migosmtp/relay:${RELEASE}`,
    secretCheckMs: 1000 * numberOf(env, 'SECRET_CHECK_SECONDS', 30),
    dnsServers: parseDnsServers(env['DNS_SERVERS']),
    domainGrace: {
      checks: numberOf(env, 'DNS_GRACE_CHECKS', 5),
      periodMs: 1000 * numberOf(env, 'DNS_GRACE_SECONDS', 86_400),
    },
  };
}

export function numberOf(env: NodeJS.ProcessEnv, name: string, fallback: number): number {
  const text = env[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new Error(`${name} is "${text}": it must be a number`);
  return value;
}

/** The operator's own namespace has the relay of those that have none. */
function withOwn(namespaces: string[] | undefined, own: string): string[] | undefined {
  return namespaces === undefined ? undefined : [...new Set([...namespaces, own])];
}

function listOf(text: string | undefined): string[] | undefined {
  const items = (text ?? '').split(',').flatMap((item) => (item.trim() === '' ? [] : [item.trim()]));
  return items.length === 0 ? undefined : items;
}
