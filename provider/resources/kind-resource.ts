import {
  asText,
  changedNames,
  error,
  warning,
  type Call,
  type CreateRequest,
  type Diagnostic,
  type Outcome,
  type ReadRequest,
  type Resource,
  type Schema,
  type UpdateRequest,
  type ValueObject,
} from '../core/index.ts';
import { ApiError, follow, type KubeObject } from '../kube/index.ts';
import type { ClusterHandle } from './cluster-handle.ts';
import { awaitObject } from './await-object.ts';
import { address, metadata, steering, uid } from './common.ts';
import { fromObject } from './from-object.ts';
import { importById } from './import.ts';
import type { KindBehaviour } from './kind-behaviour.ts';
import type { KindSchema } from './kind-schema.ts';
import { leftovers, withdrawn } from './leftovers.ts';
import { kindSchemas } from './schema.generated.ts';
import { notRefreshed, timeoutOf, withSession, type Session } from './session.ts';
import { toObject } from './to-object.ts';

const READ_TIMEOUT = '2m';
/** No object ever has it: an apply that names it creates, or is refused with 409. */
const RESOURCE_VERSION_OF_NONE = '1';

/** A kind of the API as a managed resource. */
export function kindResource(behaviour: KindBehaviour): Resource<ClusterHandle> {
  const kind = kindSchemas[behaviour.kind];
  const schema = resourceSchema(kind, behaviour);
  return {
    schema,
    create: (cluster, request, call) => create(cluster, behaviour, request, call),
    read: (cluster, request, call) => read(cluster, kind, request, call),
    update: (cluster, request, call) => update(cluster, behaviour, schema, request, call),
    delete: (cluster, request, call) => remove(cluster, behaviour, request, call),
    import: (id) => importById(id, schema),
  };
}

export function resourceSchema(kind: KindSchema, { timeouts }: KindBehaviour): Schema {
  return {
    version: 0,
    description: kind.description,
    attributes: {
      ...address(kind.kind),
      ...metadata,
      ...kind.spec,
      uid,
      ...kind.status,
      ...steering(timeouts),
    },
    rules: kind.rules,
  };
}

async function create(
  cluster: ClusterHandle,
  behaviour: KindBehaviour,
  { planned }: CreateRequest,
  call: Call,
): Promise<Outcome> {
  const schema = kindSchemas[behaviour.kind];
  const timeout = timeoutOf(planned, 'create', behaviour.timeouts.create);
  const request = { cluster, schema, value: planned, call, action: 'create', timeout };
  return withSession(request, async (session) => {
    const created = await applyNew(session, schema, planned);
    if (created === undefined) return { diagnostics: [alreadyExists(behaviour, session)] };
    return waitAndRead(session, behaviour, { object: created, declared: planned, isNew: true });
  });
}

/** One call that creates or is refused: what exists already is never touched. */
async function applyNew(
  session: Session,
  schema: KindSchema,
  planned: ValueObject,
): Promise<KubeObject | undefined> {
  const { client, path, signal } = session;
  const body = toObject(schema, planned) as { metadata: object };
  const guarded = { ...body, metadata: { ...body.metadata, resourceVersion: RESOURCE_VERSION_OF_NONE } };
  try {
    return await client.apply(path, guarded, { force: false }, signal);
  } catch (cause) {
    if (!(cause instanceof ApiError) || cause.status !== 409) throw cause;
    if ((await client.get(path, signal)) !== undefined) return undefined;
    // An API server that wants no resource version on creation: the look above has to do.
    return client.apply(path, body, { force: false }, signal);
  }
}

async function update(
  cluster: ClusterHandle,
  behaviour: KindBehaviour,
  schema: Schema,
  { prior, planned }: UpdateRequest,
  call: Call,
): Promise<Outcome> {
  // Timeouts and the like are Terraform's own: no call for them.
  if (changedNames(schema, prior, planned).size === 0) return { state: planned };
  const kind = kindSchemas[behaviour.kind];
  const timeout = timeoutOf(planned, 'update', behaviour.timeouts.update);
  const request = { cluster, schema: kind, value: planned, call, action: 'update', timeout };
  return withSession(request, async (session) => {
    const { client, path, signal } = session;
    let applied = await applyExisting(session, kind, prior, planned);
    if (applied === undefined) return { diagnostics: [goneMeanwhile(session)] };
    const remains = leftovers(kind, { prior, planned, live: applied.spec ?? {} });
    if (remains) applied = await client.merge(path, remains, signal);
    return waitAndRead(session, behaviour, { object: applied, declared: planned, isNew: false });
  });
}

/** Undefined: the object is gone, or another one of its name. */
async function applyExisting(
  session: Session,
  schema: KindSchema,
  prior: ValueObject,
  planned: ValueObject,
): Promise<KubeObject | undefined> {
  const { client, path, signal } = session;
  const { uid } = prior;
  const body = toObject(schema, planned) as { metadata: object };
  // The uid makes the API server refuse to create the object, or to change another one of its name.
  const guarded = { ...body, metadata: { ...body.metadata, ...(typeof uid === 'string' && { uid }) } };
  const apply = () => client.apply(path, guarded, { force: planned['force_conflicts'] === true }, signal);
  try {
    return await apply();
  } catch (cause) {
    if (!(cause instanceof ApiError)) throw cause;
    const live = await client.get(path, signal);
    if (live?.metadata.uid !== uid) return undefined;
    const isNullTrouble = cause.status === 422 && /must be of type \w+: "null"/.test(cause.message);
    const patch = isNullTrouble ? withdrawn(schema, { prior, planned, live: live?.spec ?? {} }) : undefined;
    if (patch === undefined) throw cause;
    await client.merge(path, patch, signal);
    return apply();
  }
}

interface Applied {
  readonly object: KubeObject;
  readonly declared: ValueObject;
  readonly isNew: boolean;
}

/** Waits on a watch that starts at what apply answered, then reads once more, so that nothing stale is kept. */
async function waitAndRead(session: Session, behaviour: KindBehaviour, applied: Applied): Promise<Outcome> {
  const { client, path, signal } = session;
  const { object, declared, isNew } = applied;
  const state = (found: KubeObject) => fromObject(kindSchemas[behaviour.kind], found, declared);
  if (declared['wait'] === false) return { state: state(object) };
  const { last, problem } = await awaitObject(session, { ...behaviour, start: object, declared, isNew });
  if (problem) return { state: last ? state(last) : null, diagnostics: [problem] };
  return { state: state((await client.get(path, signal)) ?? last ?? object) };
}

async function read(
  cluster: ClusterHandle,
  schema: KindSchema,
  { state, private: data }: ReadRequest,
  call: Call,
): Promise<Outcome> {
  const title = `${schema.kind} ${asText(state['namespace'])}/${asText(state['name'])}`;
  if (cluster.kind === 'unknown') return { state, diagnostics: [notRefreshed(cluster.attributes, title)] };
  const request = { cluster, schema, value: state, call, action: 'read', timeout: READ_TIMEOUT };
  return withSession(request, async ({ client, path, signal }) => {
    const found = await client.get(path, signal);
    if (found === undefined) return { state: null };
    const isImport = data['imported'] === true;
    return { state: fromObject(schema, found, isImport ? 'import' : state), private: {} };
  });
}

async function remove(
  cluster: ClusterHandle,
  behaviour: KindBehaviour,
  { state }: ReadRequest,
  call: Call,
): Promise<Outcome> {
  const schema = kindSchemas[behaviour.kind];
  const timeout = timeoutOf(state, 'delete', behaviour.timeouts.delete);
  const request = { cluster, schema, value: state, call, action: 'delete', timeout };
  return withSession(request, async (session) => {
    const { client, path, signal, title } = session;
    const uidOfState = state['uid'];
    const uid = typeof uidOfState === 'string' ? uidOfState : (await client.get(path, signal))?.metadata.uid;
    if (uid === undefined) return { state: null };
    const outcome = await client.delete(path, uid, signal);
    if (outcome === 'other') return { state: null, diagnostics: [replacedMeanwhile(title)] };
    if (outcome === 'deleting')
      await follow(client, path, await client.get(path, signal), isGone(uid), signal);
    return { state: null };
  });
}

function isGone(uid: string) {
  return (found: KubeObject | undefined) => (found?.metadata.uid === uid ? undefined : 'gone');
}

function alreadyExists({ kind }: KindBehaviour, { title, path }: Session): Diagnostic {
  const id = `${path.namespace ?? ''}/${path.name}`;
  return error(
    'Object exists already',
    `${title} is in the cluster, and this state does not know it. To manage it here, import it: terraform import migosmtp_${kind}.<name> ${id} (or an import block). Else choose another name.`,
  );
}

function goneMeanwhile({ title }: Session): Diagnostic {
  return error(
    'Object is gone',
    `${title} was deleted, or replaced, after the plan was made. Run again, so that the plan knows.`,
  );
}

function replacedMeanwhile(title: string): Diagnostic {
  return warning(
    'Object is another one',
    `${title} was deleted and created again by someone else. It was left alone and forgotten here.`,
  );
}
