/** The images as their Dockerfiles make them: complete, not root, and with a list of what is in them. */
import { chmod, readFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { repository } from '../../cluster/images.ts';
import { startCluster, type Cluster, type Image } from '../../cluster/index.ts';
import { buildImage, type BuiltImage } from '../../support/dockerfile.ts';
import { readCredentials, startSmtpClient } from '../../support/smtp-client.ts';
import { NAMESPACE } from '../../../operator/install/index.ts';
import {
  create,
  installInto,
  isReady,
  kind,
  namespace,
  relay,
  until,
  type Installation,
} from './support/installation.ts';

const NAMES = ['operator', 'relay'] as const;
const images: Record<string, BuiltImage> = {};
let world: Installation | undefined;
let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster();
  const folder = await cluster.temporaryFolder('images');
  await chmod(folder, 0o755);
  for (const name of NAMES) images[name] = await buildImage(`${name}/Dockerfile`, join(folder, name));
  const ours = Object.entries(images).map(([name, image]) => [`ghcr.io/migosmtp/${name}`, runnable(image)]);
  await cluster.configure({ images: Object.fromEntries(ours) as Record<string, Image> });
  world = await installInto(cluster);
}, 1_200_000);
afterAll(() => world?.stop() ?? cluster?.stop());

/** What the node agent starts for it: nothing of the source tree is there but what the image has. */
function runnable({ folder, entrypoint, env, user }: BuiltImage): Image {
  const [program, ...args] = entrypoint;
  expect(program).toBe('node');
  const [uid, gid] = user!.split(':').map(Number);
  const mounts = [
    { hostPath: folder, mountPath: '/app', readOnly: true },
    { hostPath: join(repository, 'node_modules/node/bin'), mountPath: '/opt/node', readOnly: true },
  ];
  return { command: ['/opt/node/node', ...args], mounts, env, user: uid!, group: gid! };
}

test('they run the whole way to a login', async () => {
  await relay(world!);
  await namespace(cluster, 'team');
  await create(cluster, kind('SmtpAccount', 'team', 'app', {}));
  await until(cluster, 'SmtpAccount', 'team', 'app', isReady, 30_000);
  const client = await startSmtpClient(cluster, NAMESPACE);
  const credentials = (await readCredentials(cluster, 'team', 'app-smtp'))!;
  expect((await client.attempt({ credentials })).code).toBe(235);
  client.stop();
}, 150_000);

test.each(NAMES)(
  'the image of the %s does not run as root, on a Node that is named exactly',
  async (name) => {
    const { user, base } = images[name]!;
    expect(user).toBe('65532:65532');
    const { devDependencies } = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8')) as {
      devDependencies: { node: string };
    };
    expect(base).toBe(`docker.io/library/node:${devDependencies.node}-bookworm-slim`);
  },
);

interface Lock {
  packages: Record<string, { version?: string; dev?: boolean; link?: boolean }>;
}

test.each(NAMES)(
  'the list in the image of the %s names each package in it, with the version of the lockfile',
  async (name) => {
    const { folder } = images[name]!;
    const read = async (path: string): Promise<string> => readFile(path, 'utf8');
    const { components } = JSON.parse(await read(join(folder, 'sbom.cdx.json'))) as {
      components: { name: string; version: string; hashes?: { content: string }[] }[];
    };
    const { packages } = JSON.parse(await read(join(folder, 'node_modules/.package-lock.json'))) as Lock;
    const installed = Object.entries(packages)
      .filter(([path, { link }]) => path.startsWith('node_modules/') && link !== true)
      .map(([path, { version }]) => `${path.split('node_modules/').at(-1)}@${version}`);
    const listed = components.map(({ name, version }) => `${name}@${version}`);
    expect(installed.length).toBeGreaterThan(10);
    expect(installed.filter((one) => !listed.includes(one))).toEqual([]);
    for (const tool of ['jest', 'typescript', 'esbuild', 'oxlint']) {
      expect(existsSync(join(folder, 'node_modules', tool))).toBe(false);
    }
    const hashed = components.filter(({ hashes }) => (hashes ?? []).length > 0);
    expect(hashed.length).toBeGreaterThanOrEqual(installed.length);
  },
);

test('no image has a test, and the relay has none of the operator but the contract', () => {
  expect(existsSync(join(images['relay']!.folder, 'relay/main.ts'))).toBe(true);
  expect(existsSync(join(images['relay']!.folder, 'operator/api/index.ts'))).toBe(true);
  expect(existsSync(join(images['relay']!.folder, 'operator/main.ts'))).toBe(false);
  expect(existsSync(join(images['operator']!.folder, 'operator/install/install.test.ts'))).toBe(false);
  expect(existsSync(join(images['operator']!.folder, 'relay'))).toBe(false);
});
