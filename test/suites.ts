/** The suites of `make test`, in the order in which they run: what fails fast comes first. */

interface Named {
  name: string;
  title: string;
}

/** `paths` are beginnings of paths from the repository's root. */
export type Suite = Named &
  (
    | { command: string[][] }
    | {
        paths: string[];
        /** Beside these at full size. */
        longPaths?: string[];
        workers: number;
        env?: NodeJS.ProcessEnv;
      }
  );

export const SUITES: Suite[] = [
  {
    name: 'static',
    title: 'lint, format, types, generated files',
    command: [
      ['npm', 'run', '-s', 'lint'],
      ['npm', 'run', '-s', 'typecheck'],
      ['npm', 'run', '-s', 'generate', '--', '--check'],
    ],
  },
  {
    name: 'unit',
    title: 'pure parts',
    paths: ['operator/', 'relay/', 'provider/', 'test/docs/', 'test/e2e/secret-scan'],
    workers: 2,
  },
  {
    name: 'relay',
    title: 'the relay process with foreign clients',
    paths: ['test/integration/relay/'],
    workers: 1,
  },
  {
    name: 'faults',
    title: 'the relay under faults: crashes, full disks, bad neighbours, bad input',
    paths: ['test/faults/'],
    workers: 1,
  },
  {
    name: 'cluster',
    title: 'control plane and node agent',
    paths: ['test/integration/cluster/'],
    workers: 1,
  },
  { name: 'api', title: 'definitions on the API server', paths: ['test/integration/api/'], workers: 1 },
  { name: 'operator', title: 'operator in the cluster', paths: ['test/integration/operator/'], workers: 1 },
  { name: 'provider', title: 'the real terraform', paths: ['test/integration/provider/'], workers: 1 },
  {
    name: 'provider-exe',
    title: 'the real terraform with the executable build',
    paths: ['every-resource', 'lifecycle', 'process', 'with-operator'].map(
      (name) => `test/integration/provider/${name}.test`,
    ),
    longPaths: ['test/integration/provider/'],
    workers: 1,
    env: { MIGOSMTP_PROVIDER_BUILD: 'executable' },
  },
  {
    name: 'constructs',
    title: 'constructs and examples',
    paths: ['test/integration/constructs/'],
    workers: 1,
  },
  { name: 'e2e', title: 'the demo and its secrets', paths: ['test/e2e/demo.test'], workers: 1 },
];
