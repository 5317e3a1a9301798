/** A platform as Terraform names it, and the package that holds its runtime. */
export interface Platform {
  readonly name: string;
  readonly runtimePackage: string;
}

const RUNTIMES: Readonly<Record<string, string>> = {
  linux_amd64: '@oven/bun-linux-x64',
  linux_arm64: '@oven/bun-linux-aarch64',
  darwin_amd64: '@oven/bun-darwin-x64',
  darwin_arm64: '@oven/bun-darwin-aarch64',
};

/** Platforms that there is a runtime for. */
export const PLATFORMS = Object.keys(RUNTIMES);

export const HERE = `${process.platform}_${process.arch === 'x64' ? 'amd64' : process.arch}`;

export function platform(name = HERE): Platform {
  const runtimePackage = RUNTIMES[name];
  if (runtimePackage === undefined) {
    throw new Error(`no executable for ${name}: known are ${PLATFORMS.join(', ')}`);
  }
  return { name, runtimePackage };
}
