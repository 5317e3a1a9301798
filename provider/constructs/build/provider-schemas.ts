/** The provider whose bindings are generated: its address, and the schemas that it answers Terraform with. */
import { createProvider } from '../../resources/index.ts';
import type { ProviderSchemas } from './schema-json.ts';

export { SOURCE as PROVIDER_ADDRESS, VERSION as PROVIDER_VERSION } from '../../build.ts';

export function providerSchemas(): ProviderSchemas {
  return createProvider({});
}
