/** The most that the API server can take: the writes that an account costs at least, by a client that does nothing else. */
import { randomBytes } from 'node:crypto';
import type { SmtpAccount } from '../../../operator/api/index.ts';
import { Secrets, SmtpAccounts, type KubeClient, type Secret } from '../../../operator/kube/index.ts';
import { createAccount, placesOf, type Place } from './places.ts';

const CONNECTIONS = 20;

/** Objects a second. Everything is removed again. */
export async function measureCeiling(client: KubeClient, count: number, caBundle: string): Promise<number> {
  const places = placesOf(count, 'c');
  const startedAt = performance.now();
  await atOnce(places, CONNECTIONS, async (place) => {
    const account = await createAccount(client, place);
    await client.create(Secrets, secretOf(account, caBundle));
    await client.merge(SmtpAccounts, place, { status: statusOf(account) }, { subresource: 'status' });
  });
  const perSecond = (1000 * count) / (performance.now() - startedAt);
  await atOnce(places, CONNECTIONS, async (place) => {
    await client.remove(Secrets, { ...place, name: `${place.name}-smtp` });
    await client.remove(SmtpAccounts, place);
  });
  return perSecond;
}

/** Runs `work` on every item, so many at a time. */
export async function atOnce<T>(
  items: readonly T[],
  most: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const rest = items.values();
  await Promise.all(
    Array.from({ length: most }, async () => {
      for (const item of rest) await work(item);
    }),
  );
}

/** As large as those of the operator. */
function secretOf({ metadata }: SmtpAccount, caBundle: string): Secret {
  const { namespace, name } = metadata as Place;
  const password = randomBytes(24).toString('base64url');
  const host = 'main-relay.migosmtp-system.svc';
  const values: Record<string, string> = {
    type: 'smtp',
    provider: 'migosmtp',
    host,
    port: '587',
    username: 'smtpuser_01234567',
    password,
    uri: `smtp://smtpuser_01234567:${password}@${host}:587`,
    encryption: 'starttls',
    SMTP_HOST: host,
    SMTP_PORT: '587',
    SMTP_USERNAME: 'smtpuser_01234567',
    SMTP_PASSWORD: password,
    SMTP_ENCRYPTION: 'starttls',
    'ca.crt': caBundle,
  };
  const data = Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
  const annotations = { 'migosmtp.com/account-uid': metadata.uid!, 'migosmtp.com/owned': '-'.repeat(400) };
  return {
    metadata: {
      namespace,
      name: `${name}-smtp`,
      labels: { 'migosmtp.com/type': 'credentials' },
      annotations,
    },
    type: 'servicebinding.io/smtp',
    data: Object.fromEntries(data) as Record<string, string>,
  };
}

function statusOf({ metadata }: SmtpAccount): object {
  const types = ['Ready', 'PlanAccepted', 'RelaySynced', 'LoginVerified', 'SecretReady', 'SendersVerified'];
  return {
    observedGeneration: metadata.generation,
    username: 'smtpuser_01234567',
    host: 'main-relay.migosmtp-system.svc',
    ports: { starttls: 587, tls: 465 },
    binding: { name: `${metadata.name}-smtp` },
    relayRef: { name: 'main', namespace: 'migosmtp-system' },
    credentials: { revision: 1, issuedAt: new Date().toISOString(), answered: { rotation: 0, reset: 0 } },
    conditions: types.map((type) => ({
      type,
      status: 'True',
      observedGeneration: metadata.generation,
      lastTransitionTime: new Date().toISOString(),
      reason: 'Ceiling',
      message: 'as long as the message of a condition usually is, on average over all',
    })),
  };
}
