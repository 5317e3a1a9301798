/** What is read from the cluster for one account, beside the caches: Secrets cannot be watched, workloads seldom matter. */
import type { SmtpAccount } from '../../api/index.ts';
import type { OperatorContext } from '../../context.ts';
import { DaemonSets, Deployments, Secrets, StatefulSets, type Secret } from '../../kube/index.ts';
import type { Key } from '../../runtime/index.ts';
import type { AccountMemory } from './observe.ts';
import {
  isInherited,
  isOwn,
  readPublished,
  secretNameOf,
  type Published,
  type SecretState,
} from './published.ts';
import { rolloutState, type Rollout } from './rollout.ts';
import type { AccountSnapshot, PasswordSource } from './snapshot.ts';

/** The Secret of the account's Secret name; one from a backup also when it was collected since it was read. */
export async function readSecretState(
  context: OperatorContext,
  { fresh, inherited }: Pick<AccountMemory, 'fresh' | 'inherited'>,
  key: Key,
  account: SmtpAccount,
): Promise<Pick<AccountSnapshot, 'secret' | 'isInherited' | 'isCollected'>> {
  const found = await readSecret(context, fresh, key, account);
  const secret = readPublished(account, found ?? inherited.recall(key));
  return {
    secret,
    isInherited: isOwn(account, secret) || (secret.is === 'ours' && isInherited(secret.published, account)),
    isCollected: found === undefined && secret.is === 'ours',
  };
}

/** `fresh`: Secrets that this process has just written, read once instead of asking the server. */
function readSecret(
  { client }: OperatorContext,
  fresh: Map<Key, Secret>,
  key: Key,
  account: SmtpAccount,
): Promise<Secret | undefined> {
  const name = secretNameOf(account);
  const written = fresh.get(key);
  fresh.delete(key);
  if (written?.metadata.name === name) return Promise.resolve(written);
  return client.find(Secrets, { namespace: account.metadata.namespace, name });
}

/** Status only hints at the former name; what the Secret says of itself decides whether it is ours. */
export async function readFormer(
  { client }: OperatorContext,
  account: SmtpAccount,
  secret: SecretState,
): Promise<Published | undefined> {
  const name = account.status?.binding?.name;
  if (name === undefined || name === secretNameOf(account) || secret.is === 'foreign') return undefined;
  const found = await client.find(Secrets, { namespace: account.metadata.namespace, name });
  const state = readPublished(account, found);
  return isOwn(account, state) && state.is === 'ours' ? state.published : undefined;
}

export async function readSource({ client }: OperatorContext, account: SmtpAccount): Promise<PasswordSource> {
  const ref = account.spec.passwordFrom;
  if (ref === undefined) return { is: 'unused' };
  const key = ref.key ?? 'password';
  const secret = await client.find(Secrets, { namespace: account.metadata.namespace, name: ref.name });
  const value = secret?.data?.[key];
  if (value === undefined)
    return { is: 'missing', message: `Secret ${ref.name} with the key ${key} is not there: create it` };
  const password = Buffer.from(value, 'base64').toString('utf8');
  return isUsable(password)
    ? { is: 'there', password }
    : {
        is: 'missing',
        message: `${key} in Secret ${ref.name} must have 8 to 128 printable characters without spaces around`,
      };
}

/** What SMTP AUTH can carry and people can copy. */
function isUsable(password: string): boolean {
  return /^[^\p{C}]{8,128}$/u.test(password) && password.trim() === password;
}

const WORKLOADS = { Deployment: Deployments, StatefulSet: StatefulSets, DaemonSet: DaemonSets };

/** Asked only while workloads follow a new password: an annotation that somebody removes later starts nothing. */
export async function readRollouts(
  { client }: OperatorContext,
  account: SmtpAccount,
  published: Published | undefined,
): Promise<Rollout[]> {
  const pending = published?.rollout;
  if (pending === undefined) return [];
  const namespace = account.metadata.namespace;
  return Promise.all(
    (account.spec.rolloutTargets ?? []).map(async (target) => {
      const workload = await client.find(WORKLOADS[target.kind], { namespace, name: target.name });
      return { target, state: rolloutState(target, workload, pending, new Date()) };
    }),
  );
}
