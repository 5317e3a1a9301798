/** The list of generated files; a new derivation adds its line here. */
import { KINDS } from '../index.ts';
import { crdYaml } from './crd.ts';
import { referencePage } from './reference.ts';
import { terraformSchemas } from './terraform.ts';

/** Path from the repository's root, and content, of every generated file. */
export function generatedFiles(): Promise<[path: string, content: string][]> {
  const files: [string, string][] = [['provider/resources/schema.generated.ts', terraformSchemas(KINDS)]];
  for (const kind of KINDS) {
    files.push([`operator/chart/crds/${kind.plural}.yaml`, crdYaml(kind)]);
    files.push([`docs/reference/${kind.singular}.md`, referencePage(kind)]);
  }
  return Promise.resolve(files);
}
