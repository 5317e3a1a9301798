/**
 * A Secret from a backup that names the account of the lost cluster as its owner. The garbage collector deletes what only
 * owners have that are gone: mostly within a second of its creation, before anybody else has read it; where it has much to
 * do, later. So the present account becomes the owner before anything else is done, without waiting for a relay; and what
 * was collected all the same after it was read is put back. Pure.
 */
import type { SmtpAccount } from '../../api/index.ts';
import type { Secret } from '../../kube/index.ts';
import { ownersBeside, ownersFor } from './content.ts';
import { progressing, type AccountDecision } from './outcomes.ts';
import { ANNOTATIONS, isRestored, type Published } from './published.ts';
import { REASONS } from './reasons.ts';
import type { AccountSnapshot } from './snapshot.ts';

export function staleOwner(
  snapshot: AccountSnapshot,
  account: SmtpAccount,
  now: Date,
): AccountDecision | undefined {
  const { secret, isInherited, isCollected } = snapshot;
  if (secret.is !== 'ours' || !isInherited) return undefined;
  if (isCollected) return putBack(snapshot, account, secret.published.secret, now);
  if (!isStale(secret.published, account)) return undefined;
  const message = `Secret ${secret.published.secret.metadata.name} comes from a backup and gets this account as its owner`;
  return progressing(snapshot, now, {
    rule: 'StaleOwner',
    actions: [{ do: 'own', ...owned(secret.published, account) }],
    reason: REASONS.provisioning,
    message,
  });
}

function isStale({ secret }: Published, { metadata }: SmtpAccount): boolean {
  return (secret.metadata.ownerReferences ?? []).some(
    ({ kind, uid }) => kind === 'SmtpAccount' && uid !== metadata.uid,
  );
}

function owned(published: Published, account: SmtpAccount): { secret: Secret; patch: object } {
  const { secret } = published;
  const { uid, resourceVersion } = secret.metadata;
  const ownerReferences = ownersBeside(secret, ownersFor(account));
  const annotations = {
    [ANNOTATIONS.uid]: account.metadata.uid!,
    ...(isRestored(published) && uid !== undefined ? { [ANNOTATIONS.adopted]: uid } : {}),
  };
  return {
    secret: {
      ...secret,
      metadata: {
        ...secret.metadata,
        ownerReferences,
        annotations: { ...secret.metadata.annotations, ...annotations },
      },
    },
    patch: { metadata: { ownerReferences, annotations, uid, resourceVersion } },
  };
}

function putBack(snapshot: AccountSnapshot, account: SmtpAccount, kept: Secret, now: Date): AccountDecision {
  const { namespace, name, labels, annotations } = kept.metadata;
  const secret: Secret = {
    metadata: {
      namespace: namespace!,
      name,
      ...(labels && { labels }),
      ...(annotations && { annotations }),
      ownerReferences: ownersFor(account),
    },
    ...(kept.type !== undefined && { type: kept.type }),
    ...(kept.data && { data: kept.data }),
  };
  const message = `Secret ${name} from a backup was collected, as it named an owner that is gone; it is put back with the same password`;
  return {
    ...progressing(snapshot, now, {
      rule: 'PutBack',
      actions: [{ do: 'create', secret }],
      reason: REASONS.provisioning,
      message,
    }),
    events: [{ type: 'Warning', reason: 'SecretPutBack', message }],
  };
}
