/** The cores that constructs are built for, and where each keeps what its generator needs. */
export interface Core {
  readonly name: 'cdktf' | 'cdktn';
  /** Deep import: the package's own entry loads a tool that it does not declare. */
  readonly generator: string;
  readonly commons: string;
  readonly providerSchema: string;
}

export const CORES: readonly Core[] = [
  {
    name: 'cdktf',
    generator: '@cdktf/provider-generator/lib/get/generator/provider-generator',
    commons: '@cdktf/commons',
    providerSchema: '@cdktf/provider-schema/src/provider-schema',
  },
  {
    name: 'cdktn',
    generator: '@cdktn/provider-generator/build/get/generator/provider-generator',
    commons: '@cdktn/commons',
    providerSchema: '@cdktn/provider-schema/build/provider-schema',
  },
];
