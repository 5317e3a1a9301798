import type { ListResource } from '../core/index.ts';
import type { ClusterHandle } from './cluster-handle.ts';
import { fromObject } from './from-object.ts';
import { resourceSchema } from './kind-resource.ts';
import type { KindBehaviour } from './kind-behaviour.ts';
import { listObjects, queryAttributes } from './list-objects.ts';
import { kindSchemas } from './schema.generated.ts';

/** What `terraform query` finds of a kind: objects as an import would take them over. */
export function kindListResource(behaviour: KindBehaviour): ListResource<ClusterHandle> {
  const kind = kindSchemas[behaviour.kind];
  const names = Object.keys(resourceSchema(kind, behaviour).attributes);
  const empty = Object.fromEntries(names.map((name) => [name, null]));
  return {
    schema: {
      version: 0,
      description: `Finds objects of kind ${kind.kind} that are in the cluster.`,
      attributes: queryAttributes,
    },
    async *list(cluster, { config }, call) {
      for await (const found of listObjects(cluster, kind, config, call)) {
        if ('diagnostics' in found) yield found;
        else {
          const { name, namespace = '' } = found.object.metadata;
          const state = { ...empty, ...fromObject(kind, found.object, 'import') };
          yield { displayName: `${namespace}/${name}`, state };
        }
      }
    },
  };
}
