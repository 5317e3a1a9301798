/** Who asks, and whether they may: the API server decides both, for every request anew. */
import { GROUP, smtpAccount } from '../api/index.ts';
import type { KubeClient } from '../kube/index.ts';
import { Failure } from './failure.ts';

interface User {
  username?: string;
  uid?: string;
  groups?: string[];
  extra?: Record<string, string[]>;
}

interface TokenReview {
  status?: { authenticated?: boolean; user?: User };
}

interface AccessReview {
  status?: { allowed?: boolean };
}

/** Tokens are kilobytes at most. */
const LONGEST_TOKEN = 16_384;

/** Returns when the bearer may read reports of the account, or of all in the namespace; throws a Failure otherwise. */
export async function admit(
  client: KubeClient,
  authorization: string | undefined,
  { namespace, account }: { namespace: string; account: string | undefined },
): Promise<void> {
  const user = await identify(client, authorization);
  const attributes = {
    namespace,
    verb: 'get',
    group: GROUP,
    resource: smtpAccount.plural,
    subresource: 'reports',
    ...(account === undefined ? {} : { name: account }),
  };
  const review = await client.raw<AccessReview>(
    'POST',
    '/apis/authorization.k8s.io/v1/subjectaccessreviews',
    'subjectaccessreviews',
    {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: {
        user: user.username,
        uid: user.uid,
        groups: user.groups,
        extra: user.extra,
        resourceAttributes: attributes,
      },
    },
  );
  if (review.status?.allowed === true) return;
  const message = `${user.username} may not get ${smtpAccount.plural}/reports (${GROUP}) in namespace ${namespace}: ask for the role edit there, or one that has it`;
  throw new Failure(403, 'Forbidden', message);
}

async function identify(client: KubeClient, authorization: string | undefined): Promise<User> {
  const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
  if (token === undefined || token.length > LONGEST_TOKEN) {
    const message =
      'send a token of this cluster as "Authorization: Bearer TOKEN", such as one of a ServiceAccount';
    throw new Failure(401, 'Unauthorized', message);
  }
  const review = await client.raw<TokenReview>(
    'POST',
    '/apis/authentication.k8s.io/v1/tokenreviews',
    'tokenreviews',
    { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } },
  );
  const { authenticated, user } = review.status ?? {};
  if (authenticated === true && user?.username !== undefined) return user;
  throw new Failure(401, 'Unauthorized', 'the API server does not accept this token: it may have expired');
}
