import {
  asText,
  error,
  object,
  type Call,
  type Outcome,
  type Resource,
  type Schema,
  type ValueObject,
} from '../core/index.ts';
import type { KubeObject } from '../kube/index.ts';
import { awaitObject } from './await-object.ts';
import type { ClusterHandle } from './cluster-handle.ts';
import { address, timeoutsAttribute, uid } from './common.ts';
import { objectIdentity } from './identity.ts';
import { importById } from './import.ts';
import { judgeVerified } from './kinds.ts';
import { kindSchemas } from './schema.generated.ts';
import { notRefreshed, timeoutOf, withSession } from './session.ts';

const DEFAULT_TIMEOUT = '60m';
const READ_TIMEOUT = '2m';
const schema: Schema = {
  version: 0,
  description:
    'Waits until a VerifiedDomain is verified, after its DNS records were published. Makes no object of its own.',
  attributes: {
    ...address('VerifiedDomain'),
    domain_uid: {
      type: 'string',
      optional: true,
      replace: true,
      description: 'The `uid` of the `migosmtp_verified_domain`: another domain object is verified anew.',
    },
    domain: { type: 'string', computed: true, changesWith: [], description: 'The domain that is verified.' },
    verified_at: { ...uid, description: 'When ownership was proven.' },
    timeouts: timeoutsAttribute({ create: DEFAULT_TIMEOUT }),
  },
};

const domainKind = kindSchemas.verified_domain;

/** The step between publishing records and using the domain: nothing but a wait. */
export const domainVerification: Resource<ClusterHandle> = {
  schema,
  identity: objectIdentity,
  create: (cluster, { planned }, call) => wait(cluster, planned, call),
  read: (cluster, { state, private: data }, call) => read(cluster, state, data['imported'] === true, call),
  update: (_cluster, { planned }) => Promise.resolve({ state: planned }),
  delete: () => Promise.resolve({ state: null }),
  import: (id) => importById(id, schema),
};

function wait(cluster: ClusterHandle, planned: ValueObject, call: Call): Promise<Outcome> {
  const timeout = timeoutOf(planned, 'create', DEFAULT_TIMEOUT);
  const request = { cluster, schema: domainKind, value: planned, call, action: 'verify', timeout };
  return withSession(request, async (session) => {
    const { client, path, signal, title } = session;
    const start = await client.get(path, signal);
    if (start === undefined) return { diagnostics: [missing(title)] };
    const wait = { start, declared: planned, isNew: false, judge: judgeVerified };
    const { last, problem } = await awaitObject(session, wait);
    return problem ? { diagnostics: [problem] } : { state: verified(planned, last ?? start) };
  });
}

/** A domain that lost its verification drops out of the state: the next apply waits again. */
function read(cluster: ClusterHandle, state: ValueObject, isImport: boolean, call: Call): Promise<Outcome> {
  const title = `VerifiedDomain ${asText(state['namespace'])}/${asText(state['name'])}`;
  if (cluster.kind === 'unknown') {
    return Promise.resolve({ state, diagnostics: [notRefreshed(cluster.attributes, title)] });
  }
  const request = { cluster, schema: domainKind, value: state, call, action: 'read', timeout: READ_TIMEOUT };
  return withSession(request, async ({ client, path, signal }) => {
    const found = await client.get(path, signal);
    if (found?.status?.['verifiedAt'] === undefined) return { state: null };
    const uidMatters = state['domain_uid'] !== null && !isImport;
    if (uidMatters && found.metadata.uid !== state['domain_uid']) return { state: null };
    return { state: verified(state, found), private: {} };
  });
}

function verified(value: ValueObject, found: KubeObject): ValueObject {
  const { verifiedAt = null, domain = null } = { ...found.spec, ...found.status } as Record<string, string>;
  return object(Object.entries({ ...value, domain, verified_at: verifiedAt }));
}

function missing(title: string) {
  return error(
    'Domain is not declared',
    `${title} does not exist. Refer to the name of a migosmtp_verified_domain, so that it is created first.`,
  );
}
