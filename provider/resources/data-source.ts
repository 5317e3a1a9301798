import {
  error,
  type Attribute,
  type Attributes,
  type DataSource,
  type Schema,
  type ValueObject,
} from '../core/index.ts';
import { DEFAULT_NAMESPACE, address, uid } from './common.ts';
import type { ClusterHandle } from './cluster-handle.ts';
import { readAll } from './from-object.ts';
import type { KindSchema } from './kind-schema.ts';
import { withSession } from './session.ts';

const READ_TIMEOUT = '2m';

/** A kind of the API as a data source: everything that the object says, found by its name. */
export function kindDataSource(kind: KindSchema): DataSource<ClusterHandle> {
  return {
    schema: dataSourceSchema(kind),
    read(cluster, config, call) {
      const namespace = config['namespace'] ?? DEFAULT_NAMESPACE;
      const value: ValueObject = { ...config, namespace };
      const request = { cluster, schema: kind, value, call, action: 'read', timeout: READ_TIMEOUT };
      return withSession(request, async ({ client, path, signal, title }) => {
        const found = await client.get(path, signal);
        if (found) return { state: readAll(kind, found) };
        const detail = `${title} does not exist. Check name and namespace; for an object of this configuration refer to its resource.`;
        return { diagnostics: [error('Object not found', detail, [{ name: 'name' }])] };
      });
    },
  };
}

export function dataSourceSchema(kind: KindSchema): Schema {
  const { name, namespace } = address(kind.kind);
  const labels: Attribute = { type: ['map', 'string'], computed: true, description: 'Labels of the object.' };
  const annotations: Attribute = { ...labels, description: 'Annotations of the object.' };
  return {
    version: 0,
    description: kind.description,
    attributes: {
      ...(name && { name: plain(name) }),
      ...(namespace && { namespace: plain(namespace) }),
      labels,
      annotations,
      ...computed(kind.spec),
      uid,
      ...kind.status,
    },
  };
}

function plain({ type, required, optional, computed, check, description }: Attribute): Attribute {
  return {
    type,
    ...(required && { required }),
    ...(optional && { optional }),
    ...(computed && { computed }),
    ...(check && { check }),
    ...(description !== undefined && { description }),
  };
}

/** Arguments of the resource as values that are only read. */
function computed(attributes: Attributes): Attributes {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, { type, description, sensitive }]) => [
      name,
      {
        type:
          typeof type === 'object' && 'nesting' in type
            ? { ...type, attributes: computed(type.attributes) }
            : type,
        computed: true,
        ...(description !== undefined && { description }),
        ...(sensitive && { sensitive }),
      },
    ]),
  );
}
