import { join, relative, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';

const root = resolve(import.meta.dirname, '../..');
export const ENTRY = join(root, 'provider/main.ts');

/**
 * Files that load one after the other: up to the handshake, to answer calls, and to read a kubeconfig. Node reads
 * and scans a file as a whole, so what is not needed yet stands in another.
 */
const PARTS = { provider: 'main.ts', serve: 'serve.ts', yaml: 'kube/yaml.ts' } as const;

/** The parts by file name, as CommonJS for Node 20 or later. The same sources give the same bytes. */
export async function scriptBundles(): Promise<Record<string, Buffer>> {
  const built = Object.entries(PARTS).map(
    async ([name, entry]) => [`${name}.cjs`, await bundle(entry, [otherParts(entry)])] as const,
  );
  return Object.fromEntries(await Promise.all(built));
}

/** All in one file. */
export function wholeBundle(): Promise<Buffer> {
  return bundle('main.ts', []);
}

async function bundle(entry: string, plugins: Plugin[]): Promise<Buffer> {
  const result = await build({
    entryPoints: [join(root, 'provider', entry)],
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    minify: true,
    keepNames: true,
    legalComments: 'none',
    logLevel: 'error',
    plugins,
  });
  const [file] = result.outputFiles;
  if (!file) throw new Error('esbuild made no file');
  return Buffer.from(file.contents);
}

/** Dynamic imports of another part become a require of its file. */
function otherParts(entry: string): Plugin {
  return {
    name: 'other-parts',
    setup(builder) {
      builder.onResolve({ filter: /\.ts$/ }, ({ kind, path, resolveDir }) => {
        const target = relative(join(root, 'provider'), join(resolveDir, path));
        const part = Object.entries(PARTS).find(([, file]) => file === target && file !== entry);
        return kind === 'dynamic-import' && part ? { path: `./${part[0]}.cjs`, external: true } : undefined;
      });
    },
  };
}
