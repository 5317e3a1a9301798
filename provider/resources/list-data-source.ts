import type { DataSource, Diagnostic, ValueObject } from '../core/index.ts';
import type { ClusterHandle } from './cluster-handle.ts';
import { dataSourceSchema } from './data-source.ts';
import { readAll } from './from-object.ts';
import type { KindSchema } from './kind-schema.ts';
import { listObjects, queryAttributes } from './list-objects.ts';

/** All objects of a kind, in a namespace or everywhere, in the order of the API: by namespace and name. */
export function kindListDataSource(kind: KindSchema): DataSource<ClusterHandle> {
  return {
    schema: {
      version: 0,
      description: `Objects of kind ${kind.kind}: ${kind.description}`,
      attributes: {
        ...queryAttributes,
        items: {
          type: { nesting: 'list', attributes: itemAttributes(kind) },
          computed: true,
          description: 'What was found, by namespace and name.',
        },
      },
    },
    async read(cluster, config, call) {
      const items: ValueObject[] = [];
      const diagnostics: Diagnostic[] = [];
      for await (const found of listObjects(cluster, kind, config, call)) {
        if ('diagnostics' in found) diagnostics.push(...found.diagnostics);
        else items.push(readAll(kind, found.object));
      }
      return diagnostics.length > 0 ? { diagnostics } : { state: { ...config, items } };
    },
  };
}

function itemAttributes(kind: KindSchema) {
  const attributes = Object.entries(dataSourceSchema(kind).attributes);
  return Object.fromEntries(
    attributes.map(([name, { type, description, sensitive }]) => [
      name,
      {
        type,
        computed: true,
        ...(description !== undefined && { description: description.replace(/ Default: `default`\.$/, '') }),
        ...(sensitive && { sensitive }),
      },
    ]),
  );
}
