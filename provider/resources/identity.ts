import { asText, type IdentitySchema } from '../core/index.ts';
import { DEFAULT_NAMESPACE } from './common.ts';

/** Namespace and name: for good, as the API lets neither be changed. The uid is not part: a lost object is made again. */
export const objectIdentity: IdentitySchema = {
  version: 0,
  attributes: {
    namespace: {
      type: 'string',
      description: `Namespace (workspace) of the object. Default: \`${DEFAULT_NAMESPACE}\`.`,
      requiredForImport: false,
    },
    name: { type: 'string', description: 'Name of the object.', requiredForImport: true },
  },
  importId: ({ namespace, name }) => `${asText(namespace) || DEFAULT_NAMESPACE}/${asText(name)}`,
};
