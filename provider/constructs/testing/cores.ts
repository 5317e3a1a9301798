/** Loads what the build made for each core, as apps load it. Types are those of cdktf; both cores agree on them. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as Core from 'cdktf';
import { buildConstructs } from '../build/index.ts';
import type * as Constructs from '../index.ts';

export interface Loaded {
  readonly core: typeof Core;
  readonly constructs: typeof Constructs;
}

export const CORE_NAMES = ['cdktf', 'cdktn'] as const;

export async function load(name: (typeof CORE_NAMES)[number]): Promise<Loaded> {
  await buildConstructs();
  const require = createRequire(import.meta.url);
  return {
    core: require(name) as typeof Core,
    constructs: require(join('..', 'dist', name, 'constructs', 'index.js')) as typeof Constructs,
  };
}

/** What a stack became: blocks by type, then by id. */
export interface Synthesised {
  readonly resource: Record<string, Record<string, Record<string, unknown>>>;
  readonly data?: Record<string, Record<string, Record<string, unknown>>>;
  readonly ephemeral?: Record<string, Record<string, Record<string, unknown>>>;
  readonly terraform: { readonly required_providers: Record<string, unknown> };
  readonly output?: Record<string, { readonly value: unknown }>;
}

/** Builds one stack called `mail` and synthesises it, with validations. */
export function synth(loaded: Loaded, declare: (stack: Core.TerraformStack) => void): Synthesised {
  const { core, constructs } = loaded;
  const stack = new core.TerraformStack(core.Testing.app(), 'mail');
  new constructs.MigosmtpProvider(stack, 'migosmtp');
  declare(stack);
  return JSON.parse(core.Testing.synth(stack, true)) as Synthesised;
}

/** The only block of a type. */
export function only(blocks: Record<string, Record<string, unknown>> | undefined): Record<string, unknown> {
  const all = Object.values(blocks ?? {});
  if (all.length !== 1) throw new Error(`one block expected, there are ${all.length}`);
  return all[0]!;
}
