import { error, object, type Outcome, type Schema } from '../core/index.ts';

/** State of an import: the address alone, and a mark that the first read shall fill in the rest. */
export function importById(id: string, schema: Schema): Outcome {
  const [namespace, name, ...rest] = id.split('/');
  if (!namespace || !name || rest.length > 0) {
    const detail = `The import id is namespace/name, such as shop/billing, not ${JSON.stringify(id)}.`;
    return { diagnostics: [error('Import id is not understood', detail)] };
  }
  const state = object(Object.keys(schema.attributes).map((attribute) => [attribute, null]));
  return { state: { ...state, namespace, name }, private: { imported: true } };
}
