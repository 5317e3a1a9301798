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
import { follow, type KubeObject } from '../kube/index.ts';
import type { ClusterHandle } from './cluster-handle.ts';
import { applyExisting, applyNew } from './apply-object.ts';
import { awaitObject } from './await-object.ts';
import { address, metadata, steering, uid } from './common.ts';
import { fromObject } from './from-object.ts';
import { objectIdentity } from './identity.ts';
import { importById } from './import.ts';
import type { KindBehaviour } from './kind-behaviour.ts';
import { lastingStatus, type KindSchema } from './kind-schema.ts';
import { kindSchemas } from './schema.generated.ts';
import { notRefreshed, timeoutOf, withSession, type Session } from './session.ts';

const READ_TIMEOUT = '2m';
/** A kind of the API as a managed resource. */
export function kindResource(behaviour: KindBehaviour): Resource<ClusterHandle> {
  const kind = kindSchemas[behaviour.kind];
  const schema = resourceSchema(kind, behaviour);
  return {
    schema,
    identity: objectIdentity,
    validate: (config) => behaviour.companion?.validate(config) ?? [],
    ...(behaviour.advise && {
      advise: (cluster, request, call) => behaviour.advise?.(cluster, request, call) ?? Promise.resolve([]),
    }),
    create: (cluster, request, call) => create(cluster, behaviour, request, call),
    read: (cluster, request, call) => read(cluster, kind, request, call),
    update: (cluster, request, call) => update(cluster, behaviour, schema, request, call),
    delete: (cluster, request, call) => remove(cluster, behaviour, request, call),
    import: (id) => importById(id, schema),
  };
}

export function resourceSchema(kind: KindSchema, { timeouts, companion }: KindBehaviour): Schema {
  return {
    version: 0,
    description: kind.description,
    attributes: {
      ...address(kind.kind),
      ...metadata,
      ...kind.spec,
      ...companion?.attributes,
      uid,
      ...lastingStatus(kind),
      ...steering(timeouts),
    },
    rules: kind.rules,
  };
}

async function create(
  cluster: ClusterHandle,
  behaviour: KindBehaviour,
  { planned, config }: CreateRequest,
  call: Call,
): Promise<Outcome> {
  const { companion } = behaviour;
  const schema = kindSchemas[behaviour.kind];
  const timeout = timeoutOf(planned, 'create', behaviour.timeouts.create);
  const request = { cluster, schema, value: planned, call, action: 'create', timeout };
  return withSession(request, async (session) => {
    if (companion?.isWanted(planned)) {
      // What belongs to an object of someone else must not be written over.
      const isThere = (await session.client.get(session.path, session.signal)) !== undefined;
      if (isThere) return { diagnostics: [alreadyExists(behaviour, session)] };
      const problem = await companion.before(session, { prior: null, planned, config });
      if (problem) return { diagnostics: [problem] };
    }
    const created = await applyNew(session, schema, companion?.declared(planned) ?? planned);
    if (created === undefined) return { diagnostics: [alreadyExists(behaviour, session)] };
    await companion?.adopt(session, { planned, uid: created.metadata.uid });
    return waitAndRead(session, behaviour, { object: created, declared: planned, isNew: true });
  });
}

async function update(
  cluster: ClusterHandle,
  behaviour: KindBehaviour,
  schema: Schema,
  { prior, planned, config }: UpdateRequest,
  call: Call,
): Promise<Outcome> {
  const { companion } = behaviour;
  // Timeouts and the like are Terraform's own: no call for them.
  if (changedNames(schema, prior, planned).size === 0) return { state: planned };
  const kind = kindSchemas[behaviour.kind];
  const timeout = timeoutOf(planned, 'update', behaviour.timeouts.update);
  const request = { cluster, schema: kind, value: planned, call, action: 'update', timeout };
  return withSession(request, async (session) => {
    const problem = await companion?.before(session, { prior, planned, config });
    if (problem) return { state: prior, diagnostics: [problem] };
    const declared = (value: ValueObject) => companion?.declared(value) ?? value;
    const applied = await applyExisting(session, kind, declared(prior), declared(planned));
    if (applied === undefined) return { diagnostics: [goneMeanwhile(session)] };
    await companion?.after(session, { prior, planned });
    return waitAndRead(session, behaviour, { object: applied, declared: planned, isNew: false });
  });
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
    const found = await client.shared.get(path, signal);
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
    const outcome = uid === undefined ? 'gone' : await client.delete(path, uid, signal);
    if (outcome === 'other') return { state: null, diagnostics: [replacedMeanwhile(title)] };
    if (outcome === 'deleting' && uid !== undefined)
      await follow(client, path, await client.get(path, signal), isGone(uid), signal);
    await behaviour.companion?.after(session, { prior: state, planned: null });
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
