import type { ValueObject } from '../core/index.ts';
import { ApiError, type KubeObject } from '../kube/index.ts';
import type { KindSchema } from './kind-schema.ts';
import { leftovers, withdrawn } from './leftovers.ts';
import type { Session } from './session.ts';
import { toObject } from './to-object.ts';

/** No object ever has it: an apply that names it creates, or is refused with 409. */
const RESOURCE_VERSION_OF_NONE = '1';

/** One call that creates or is refused: what exists already is never touched. */
export async function applyNew(
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

/** Server-side apply over what is there. Undefined: the object is gone, or another one of its name. */
export async function applyExisting(
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
    const applied = await apply();
    const remains = leftovers(schema, { prior, planned, live: applied.spec ?? {} });
    return remains ? await client.merge(path, remains, signal) : applied;
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
