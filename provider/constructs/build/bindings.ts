/** Bindings of one core, as TypeScript sources, by the generator that belongs to the core. */
import { renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Core } from './cores.ts';

export interface BindingsOptions {
  /** Local name of the provider, `migosmtp`. */
  readonly name: string;
  /** Source address as users write it, `migosmtp/migosmtp`. */
  readonly source: string;
  /** Version constraint that synthesised stacks carry. */
  readonly version: string;
}

interface Generator {
  generate(target: unknown): void;
  save(folder: string): Promise<void>;
}
interface GeneratorModule {
  TerraformProviderGenerator: new (code: unknown, schema: unknown) => Generator;
}
interface CommonsModule {
  TerraformProviderConstraint: new (constraint: BindingsOptions) => unknown;
  ConstructsMakerTarget: { from(constraint: unknown, language: string): unknown };
}
interface SchemaModule {
  sanitizeProviderSchema: (schema: unknown) => unknown;
}
interface CodemakerModule {
  CodeMaker: new () => unknown;
}

/** Writes `<folder>/<resource>/index.ts` for each, and the index files. `schema` is what terraform prints. */
export async function generateBindings(
  core: Core,
  schema: object,
  folder: string,
  options: BindingsOptions,
): Promise<void> {
  const require = createRequire(import.meta.url);
  const { TerraformProviderGenerator } = require(core.generator) as GeneratorModule;
  const { TerraformProviderConstraint, ConstructsMakerTarget } = require(core.commons) as CommonsModule;
  const { sanitizeProviderSchema } = require(core.providerSchema) as SchemaModule;
  const { CodeMaker } = require('codemaker') as CodemakerModule;

  const generator = new TerraformProviderGenerator(new CodeMaker(), sanitizeProviderSchema(schema));
  const constraint = new TerraformProviderConstraint(options);
  generator.generate(ConstructsMakerTarget.from(constraint, 'typescript'));
  const made = `${folder}.made`;
  await generator.save(made);
  renameSync(join(made, 'providers', options.name), folder);
  rmSync(made, { recursive: true });
}
