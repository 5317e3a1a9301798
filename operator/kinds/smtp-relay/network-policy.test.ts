import { describe, expect, test } from '@jest/globals';
import { API_VERSION, type SmtpRelay, type SmtpRelaySpec } from '../../api/index.ts';
import { policySpec, postgresPortOf } from './network-policy.ts';

const operator = { namespace: 'migosmtp-system', labels: { 'app.kubernetes.io/name': 'migosmtp-operator' } };
const relay = (spec: Partial<SmtpRelaySpec> = {}): SmtpRelay => ({
  apiVersion: API_VERSION,
  kind: 'SmtpRelay',
  metadata: { name: 'main', namespace: 'mail' },
  spec: { delivery: { direct: {} }, ...spec },
});

interface Peer {
  namespaceSelector?: { matchLabels: Record<string, string> };
  podSelector?: { matchLabels: Record<string, string> };
}
interface Rule {
  from?: Peer[];
  to?: Peer[];
  ports: { port: number; protocol: string }[];
}

/** As a network that enforces policies decides it. */
function isAllowed(rules: Rule[], port: number, protocol: string, peer: Peer | undefined): boolean {
  return rules.some(({ from, ports }) => {
    const isPeer =
      from === undefined ||
      from.some(
        ({ namespaceSelector, podSelector }) =>
          includes(peer?.namespaceSelector?.matchLabels, namespaceSelector?.matchLabels) &&
          includes(peer?.podSelector?.matchLabels, podSelector?.matchLabels),
      );
    return isPeer && ports.some((entry) => entry.port === port && entry.protocol === protocol);
  });
}
const includes = (labels: Record<string, string> = {}, wanted: Record<string, string> = {}): boolean =>
  Object.entries(wanted).every(([key, value]) => labels[key] === value);

const specOf = (spec: Partial<SmtpRelaySpec> = {}, postgresPort?: number) =>
  policySpec(relay(spec), { operator, postgresPort }).spec as { ingress: Rule[]; egress: Rule[] };
const theOperator: Peer = {
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'migosmtp-system' } },
  podSelector: { matchLabels: operator.labels },
};
const anApp: Peer = {
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'shop' } },
  podSelector: { matchLabels: operator.labels },
};

describe('who reaches a relay pod', () => {
  test.each<[string, Partial<SmtpRelaySpec>, number, Peer, boolean]>([
    ['apps on 2587', {}, 2587, anApp, true],
    ['apps on 2465', {}, 2465, anApp, true],
    ['no app on the admin port, whatever its labels', {}, 8443, anApp, false],
    ['the operator on the admin port', {}, 8443, theOperator, true],
    ['metrics and probes', {}, 9090, anApp, true],
    ['nobody on 2525 without bounces', {}, 2525, anApp, false],
    ['other servers on 2525 with bounces', { bounces: { enabled: true } }, 2525, anApp, true],
    ['nobody on any other port', {}, 22, theOperator, false],
  ])('%s', (_, spec, port, peer, expected) => {
    expect(isAllowed(specOf(spec).ingress, port, 'TCP', peer)).toBe(expected);
  });
});

describe('whom a relay pod reaches', () => {
  const smarthost = { delivery: { smarthost: { host: 'smtp.example', port: 2525 } } };
  test.each<[string, Partial<SmtpRelaySpec>, number | undefined, [number, string], boolean]>([
    ['name servers', {}, undefined, [53, 'UDP'], true],
    ['name servers by TCP', {}, undefined, [53, 'TCP'], true],
    ['other servers when it delivers itself', {}, undefined, [25, 'TCP'], true],
    ['not port 25 behind a smarthost', smarthost, undefined, [25, 'TCP'], false],
    ['its smarthost', smarthost, undefined, [2525, 'TCP'], true],
    ['no database without one', {}, undefined, [5432, 'TCP'], false],
    ['its database', {}, 6432, [6432, 'TCP'], true],
    ['not the API server', {}, undefined, [6443, 'TCP'], false],
  ])('%s', (_, spec, postgresPort, [port, protocol], expected) => {
    expect(isAllowed(specOf(spec, postgresPort).egress, port, protocol, undefined)).toBe(expected);
  });
});

test.each([
  ['postgres://u:p@db.example/mail', 5432],
  ['postgresql://u:p@db.example:6432/mail?sslmode=require', 6432],
  ['postgres://u:p%40:9@db.example:15432', 15432],
  ['not a uri', 5432],
])('the port of %s is %d', (uri, port) => {
  expect(postgresPortOf(uri)).toBe(port);
});
