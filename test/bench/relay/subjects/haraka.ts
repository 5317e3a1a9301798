/** Haraka with its durable outbound queue; from npm, installed into the cache by its own lockfile. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { cacheRoot, withLock } from '../../../cluster/index.ts';
import { must, run } from '../../../cluster/run.ts';
import {
  freePort,
  launch,
  SELECTOR,
  SENDER_DOMAIN,
  stopTree,
  type Subject,
  type SubjectOptions,
  waitForGreeting,
} from './subject.ts';

const SOURCE = resolve(import.meta.dirname, '../../haraka');

export const harakaSubject: Subject = {
  name: 'haraka',
  overrides: [
    `a process for each core (${availableParallelism()})`,
    'outbound concurrency = connections of the load',
    'plugins: tls, auth/flat_file, a route to the sink, dkim where signing is asked for',
    'log level ERROR, no reverse lookup',
  ],
  async start(options) {
    const { folder } = options;
    const home = await install();
    const port = await freePort();
    await cp(join(home, 'node_modules/Haraka/config'), join(folder, 'config'), { recursive: true });
    for (const name of ['plugins', 'queue', join('config/dkim', SENDER_DOMAIN)]) {
      await mkdir(join(folder, name), { recursive: true });
    }
    for (const [name, text] of Object.entries(await configFiles(options, port))) {
      await writeFile(join(folder, name), text);
    }
    await writeDhParameters(join(folder, 'config/dhparams.pem'));
    const logFile = join(folder, 'haraka.log');
    const argv = [process.execPath, join(home, 'node_modules/Haraka/bin/haraka'), '-c', folder];
    const child = launch({ argv, logFile, cwd: folder });
    await waitForGreeting(port, child, logFile);
    return { port, pid: child.pid ?? 0, stop: () => stopTree(child) };
  },
};

async function configFiles(options: SubjectOptions, port: number): Promise<Record<string, string>> {
  const { sinkPort, connections, tls, dkimKeyFile, logins } = options;
  const signing = dkimKeyFile !== undefined;
  return {
    'config/smtp.ini': `listen=127.0.0.1:${port}\nnodes=cpus\n`,
    'config/me': 'haraka.example\n',
    'config/log.ini': '[main]\nlevel=ERROR\n',
    'config/plugins': ['tls', 'auth/flat_file', 'sink', ...(signing ? ['dkim'] : [])].join('\n'),
    'config/auth_flat_file.ini': `[core]\nmethods=PLAIN,LOGIN\n[users]\n${logins
      .map(({ username, password }) => `${username}=${password}`)
      .join('\n')}\n`,
    'config/tls.ini': `key=server.key\ncert=server.pem\nminVersion=TLSv1.3\n`,
    'config/server.key': await readFile(tls.keyFile, 'utf8'),
    'config/server.pem': await readFile(tls.certFile, 'utf8'),
    'config/outbound.ini': `concurrency_max=${connections}\nenable_tls=false\nlocal_mx_ok=true\n`,
    'plugins/sink.js': sinkPlugin(sinkPort),
    ...(signing && {
      'config/dkim.ini': `[sign]\nenabled=true\nselector=${SELECTOR}\ndomain=${SENDER_DOMAIN}\nheaders=From,To,Subject,Date,Message-ID,MIME-Version,Content-Type\n[verify]\nenabled=false\n`,
      [`config/dkim/${SENDER_DOMAIN}/private`]: await readFile(dkimKeyFile, 'utf8'),
      [`config/dkim/${SENDER_DOMAIN}/selector`]: `${SELECTOR}\n`,
    }),
  };
}

/** In Haraka's own surroundings, where OK is a global. */
function sinkPlugin(port: number): string {
  return `exports.hook_get_mx = (next) => next(OK, { priority: 0, exchange: '127.0.0.1', port: ${port} });
exports.hook_lookup_rdns = (next) => next(OK, 'localhost');
`;
}

/** Else it makes some itself, which takes a core for seconds while it is already measured. */
async function writeDhParameters(file: string): Promise<void> {
  const options = ['-genparam', '-algorithm', 'DH', '-pkeyopt', 'dh_param:ffdhe2048', '-out', file];
  await must(['openssl', 'genpkey', ...options]);
}

async function install(): Promise<string> {
  const lock = await readFile(join(SOURCE, 'package-lock.json'));
  const id = createHash('sha256').update(lock).digest('hex').slice(0, 12);
  const home = join(cacheRoot(), 'bench', `haraka-${id}`);
  if (existsSync(home)) return home;
  await withLock('haraka', async () => {
    if (existsSync(home)) return;
    process.stderr.write('installing Haraka into the cache\n');
    const work = `${home}.new`;
    await rm(work, { recursive: true, force: true });
    await mkdir(work, { recursive: true });
    for (const name of ['package.json', 'package-lock.json'])
      await copyFile(join(SOURCE, name), join(work, name));
    const argv = ['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund'];
    const { code, stderr } = await run(argv, { cwd: work });
    if (code !== 0) throw new Error(`Haraka cannot be installed: ${stderr}`);
    await rename(work, home);
  });
  return home;
}
