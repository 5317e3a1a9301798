/** What a relay is told: its process file, and the settings in shard 0. Pure. */
import { durationMs, quantityBytes, relayApi, type SmtpRelay } from '../../api/index.ts';
import { hostOf, PATHS } from './names.ts';

/** What the Secrets hold that spec.delivery names. */
export interface NextHopSecrets {
  credentials: { username: string; password: string } | undefined;
  caPem: string | undefined;
  /** Of each webhook, in the order of the spec. */
  webhooks: readonly WebhookSecrets[];
}

export interface WebhookSecrets {
  secret: string;
  caPem: string | undefined;
}

export function relaySettings(relay: SmtpRelay, secrets: NextHopSecrets): relayApi.RelaySettings {
  const { spec } = relay;
  return {
    hostname: hostOf(relay),
    delivery: deliveryOf(relay, secrets),
    bounces: { enabled: spec.bounces?.enabled ?? false },
    messageLimits: {
      maxSize: quantityBytes(spec.messageLimits?.maxSize ?? '25Mi'),
      maxRecipients: spec.messageLimits?.maxRecipients ?? 100,
    },
    retention: { reportsSeconds: durationMs(spec.retention?.reports ?? '720h') / 1000 },
    ...webhooksOf(relay, secrets),
  };
}

function webhooksOf({ spec }: SmtpRelay, secrets: NextHopSecrets): Pick<relayApi.RelaySettings, 'webhooks'> {
  const webhooks = (spec.webhooks ?? []).flatMap(({ name, url, events }, i) => {
    const { secret, caPem } = secrets.webhooks[i] ?? {};
    if (secret === undefined) return [];
    return [{ name, url, secret, events, ...(caPem === undefined ? {} : { caPem }) }];
  });
  return webhooks.length === 0 ? {} : { webhooks };
}

function deliveryOf(relay: SmtpRelay, secrets: NextHopSecrets): relayApi.RelaySettings['delivery'] {
  const { smarthost, direct } = relay.spec.delivery;
  if (smarthost === undefined) {
    return { mode: 'direct', allowPrivateAddresses: direct?.allowPrivateAddresses ?? false };
  }
  return {
    mode: 'smarthost',
    host: smarthost.host,
    port: smarthost.port ?? 587,
    tls: smarthost.tls ?? 'Required',
    ...secrets.credentials,
    ...(secrets.caPem === undefined ? {} : { caPem: secrets.caPem }),
  };
}

/** relay.yaml. JSON is YAML, and has one way only to be written. */
export function processFile(relay: SmtpRelay): string {
  const config: relayApi.RelayProcessInput = {
    listen: {
      starttls: relayApi.STARTTLS_PORT,
      tls: relayApi.TLS_PORT,
      ...(relay.spec.bounces?.enabled === true ? { bounces: BOUNCES_PORT } : {}),
      ...(relay.spec.proxyProtocol && { proxyProtocol: relay.spec.proxyProtocol }),
    },
    tls: { certFile: `${PATHS.tls}/tls.crt`, keyFile: `${PATHS.tls}/tls.key` },
    admin: {
      certFile: `${PATHS.admin}/tls.crt`,
      keyFile: `${PATHS.admin}/tls.key`,
      clientCaFile: `${PATHS.admin}/ca.crt`,
      port: relayApi.ADMIN_PORT,
    },
    health: { port: relayApi.HEALTH_PORT },
    storage:
      relay.spec.storage?.postgres === undefined
        ? { kind: 'embedded', directory: PATHS.store }
        : { kind: 'postgres', uriFile: `${PATHS.postgres}/uri`, directory: PATHS.store },
    policy: { from: 'shards', directory: PATHS.shards },
    graceSeconds: GRACE_SECONDS,
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

/** Pods listen as non-root: 25 on the Service is this port. */
export const BOUNCES_PORT = 2525;
export const GRACE_SECONDS = 25;
