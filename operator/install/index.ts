/**
 * The installation as one file of objects, generated: `kubectl apply -f operator/chart/crds -f operator/chart/install.yaml`.
 *
 * Flow: permissions (one table of what the code calls) -> manifests (pure) -> operator/chart/install.yaml.
 * Limits: CRDs are generated from operator/api and stand beside it.
 */
import { stringify } from 'yaml';
import { manifests } from './manifests.ts';

export * from './permissions.ts';
export { manifests, NAMESPACE } from './manifests.ts';

const HEAD = '# Generated from operator/install; do not edit. Write it anew: node operator/install/main.ts\n';

export function installFile(): string {
  const documents = manifests().map((manifest) =>
    stringify(manifest, { aliasDuplicateObjects: false, lineWidth: 0 }),
  );
  return HEAD + documents.map((text) => `---\n${text}`).join('');
}
