/**
 * `node sbom.ts NAME VERSION`, in a folder with installed packages: what is in it, as CycloneDX 1.5 on stdout.
 * Read from what npm has installed, not from the lockfile: `npm sbom --workspace` leaves packages out that another
 * workspace brings too. Stands alone: images are built with this file and nothing else of the source.
 */
import { readFileSync } from 'node:fs';

interface Installed {
  version?: string;
  integrity?: string;
  license?: string;
  link?: boolean;
}

const [name = '', version = ''] = process.argv.slice(2);
const { packages } = JSON.parse(readFileSync('node_modules/.package-lock.json', 'utf8')) as {
  packages: Record<string, Installed>;
};
const components = Object.entries(packages)
  .filter(([path, { link }]) => path.startsWith('node_modules/') && link !== true)
  .map(([path, installed]) => componentOf(path, installed));
const metadata = { component: { type: 'application', name, version, 'bom-ref': `${name}@${version}` } };
const bom = { bomFormat: 'CycloneDX', specVersion: '1.5', version: 1, metadata, components };
process.stdout.write(`${JSON.stringify(bom, null, 2)}\n`);

function componentOf(path: string, { version = '', integrity = '', license }: Installed): object {
  const full = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
  const purl = `pkg:npm/${full.replace('@', '%40')}@${version}`;
  const [algorithm, digest] = integrity.split('-');
  const content = Buffer.from(digest ?? '', 'base64').toString('hex');
  return {
    type: 'library',
    // A package may be there twice, in two versions or in two places.
    'bom-ref': `${purl}#${path}`,
    name: full,
    version,
    purl,
    ...(algorithm === 'sha512' ? { hashes: [{ alg: 'SHA-512', content }] } : {}),
    ...(license === undefined ? {} : { licenses: [{ expression: license }] }),
  };
}
