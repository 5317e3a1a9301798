/**
 * A real authoritative DNS server (Debian's nsd) whose zones a test or the demo fills while it runs.
 *
 * Flow: startDnsServer(zones) -> publish / withdraw (returns once the server answers with the change) -> stop.
 * Limits: authoritative only, it resolves nothing else (REFUSED); TTLs are 1 s; one process group, ended with the test.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { debianPackages, type Cluster } from '../cluster/index.ts';
import { isAlive, startDaemon, terminate, type ProcessIdentity } from '../cluster/processes.ts';
import { zoneFile, type ZoneRecord } from './zone-file.ts';

export type { ZoneRecord } from './zone-file.ts';

export interface DnsServerOptions {
  /** Zones that it answers for, such as `example.com`; they start with SOA and NS only. */
  zones: readonly string[];
  /** Zones that it is configured for and cannot load: SERVFAIL. */
  brokenZones?: readonly string[];
  /** Run in this cluster's network, on an address that Pods reach, port 53. Default: loopback, a free port. */
  cluster?: Cluster;
  /** Largest UDP answer; smaller makes clients come back over TCP. Default 1232. */
  largestUdpAnswer?: number;
}

/** Starts nsd and returns when it answers for every zone. */
export async function startDnsServer(options: DnsServerOptions): Promise<DnsServer> {
  const folder = await (options.cluster?.temporaryFolder('nsd') ?? mkdtemp(join(tmpdir(), 'migosmtp-nsd-')));
  const address = options.cluster === undefined ? '127.0.0.1' : await options.cluster.addAddress();
  const port = options.cluster === undefined ? await freePort() : 53;
  const server = new DnsServer({ ...options, folder, address, port });
  try {
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

interface Place {
  folder: string;
  address: string;
  port: number;
}

export class DnsServer {
  readonly #options: DnsServerOptions & Place;
  readonly #records = new Map<string, ZoneRecord[]>();
  #process: ProcessIdentity | undefined;
  #serial = 1;
  /** One change at a time: nsd reloads everything that has changed. */
  #tail: Promise<unknown> = Promise.resolve();

  constructor(options: DnsServerOptions & Place) {
    this.#options = options;
    for (const zone of options.zones) this.#records.set(zone, []);
  }

  /** `ip:port`, as the operator's DNS_SERVERS takes it. */
  get address(): string {
    return `${this.#options.address}:${this.#options.port}`;
  }

  /** Add records; those of the same name and type are replaced together. Returns once they are served. */
  publish(records: readonly ZoneRecord[]): Promise<void> {
    return this.#change(
      records.map(({ name }) => name),
      (present) => [
        ...present.filter((old) => !records.some((record) => isSameSet(old, record))),
        ...records,
      ],
    );
  }

  /** Remove all records of these names. Returns once they are gone. */
  withdraw(...names: readonly string[]): Promise<void> {
    const gone = new Set(names.map(plain));
    return this.#change(names, (present) => present.filter((record) => !gone.has(plain(record.name))));
  }

  /** No answers until `resume`: queries time out. */
  pause(): void {
    this.#signal('SIGSTOP');
  }

  resume(): void {
    this.#signal('SIGCONT');
  }

  async start(): Promise<void> {
    const { folder, address, port, zones, brokenZones = [] } = this.#options;
    for (const zone of zones) await this.#write(zone);
    for (const zone of brokenZones) await writeFile(join(folder, `${zone}.zone`), 'this is no zone\n');
    const config = join(folder, 'nsd.conf');
    const largest = this.#options.largestUdpAnswer ?? 1232;
    await writeFile(
      config,
      configuration({ folder, address, port, zones: [...zones, ...brokenZones], largest }),
    );
    const packages = await debianPackages(['nsd']);
    const argv = [packages.bin('nsd'), '-d', '-c', config];
    const { cluster } = this.#options;
    const env = packages.env();
    this.#process =
      cluster === undefined
        ? await startDaemon({ argv, env, cwd: folder, logFile: join(folder, 'nsd.log') })
        : await cluster.startServer(`nsd-${address}`, argv, { env });
    for (const zone of zones) await this.#untilServed(zone);
  }

  /** Ends the server and removes its files. */
  async stop(): Promise<void> {
    const main = this.#process;
    this.#process = undefined;
    if (main !== undefined) {
      signalGroup(main, 'SIGCONT');
      signalGroup(main, 'SIGTERM');
      await terminate(main, 3000);
    }
    await rm(this.#options.folder, { recursive: true, force: true });
  }

  #change(names: readonly string[], edit: (present: ZoneRecord[]) => ZoneRecord[]): Promise<void> {
    const zones = new Set(names.map((name) => this.#zoneOf(name)));
    const turn = this.#tail.then(async () => {
      this.#serial++;
      for (const zone of zones) {
        const inZone = (record: ZoneRecord): boolean => this.#zoneOf(record.name) === zone;
        this.#records.set(zone, edit(this.#records.get(zone) ?? []).filter(inZone));
        await this.#write(zone);
      }
      this.#signal('SIGHUP');
      for (const zone of zones) await this.#untilServed(zone);
    });
    this.#tail = turn.catch(() => undefined);
    return turn;
  }

  #zoneOf(name: string): string {
    const zone = this.#options.zones
      .filter((zone) => plain(name) === zone || plain(name).endsWith(`.${zone}`))
      .toSorted((a, b) => b.length - a.length)[0];
    if (zone === undefined)
      throw new Error(`${name} is in none of the zones ${this.#options.zones.join(', ')}`);
    return zone;
  }

  async #write(zone: string): Promise<void> {
    const file = join(this.#options.folder, `${zone}.zone`);
    await writeFile(file, zoneFile(zone, this.#serial, this.#records.get(zone) ?? []));
  }

  async #untilServed(zone: string): Promise<void> {
    const { address, port, cluster } = this.#options;
    const wanted = { server: `${address}:${port}`, zone, serial: this.#serial };
    const problem =
      cluster === undefined
        ? await waitForSerial(wanted)
        : (await cluster.exec([process.execPath, '--input-type=module', '-e', probe(wanted)])).stdout.trim();
    if (problem !== '') throw new Error(`nsd does not serve ${zone}: ${problem}`);
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#process !== undefined) signalGroup(this.#process, signal);
  }
}

interface WantedSerial {
  server: string;
  zone: string;
  serial: number;
}

/** Empty when the server answers with this serial within five seconds; else what it answered last. Self-contained. */
async function waitForSerial({ server, zone, serial }: WantedSerial): Promise<string> {
  const { Resolver } = await import('node:dns/promises');
  const resolver = new Resolver({ timeout: 500, tries: 1 });
  resolver.setServers([server]);
  const deadline = Date.now() + 5000;
  for (;;) {
    const answer = await resolver.resolveSoa(zone).catch((error: NodeJS.ErrnoException) => error.code);
    if (typeof answer === 'object' && answer.serial >= serial) return '';
    if (Date.now() > deadline) return typeof answer === 'object' ? `serial ${answer.serial}` : String(answer);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The same as a program, for a process inside the cluster's network. */
function probe(wanted: WantedSerial): string {
  return `${waitForSerial.toString()}\nprocess.stdout.write(await waitForSerial(${JSON.stringify(wanted)}));`;
}

function signalGroup(leader: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isAlive(leader)) return;
  try {
    process.kill(-leader.pid, signal);
  } catch {
    // it has ended
  }
}

function isSameSet(a: ZoneRecord, b: ZoneRecord): boolean {
  return plain(a.name) === plain(b.name) && a.type === b.type;
}

function plain(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

interface Settings {
  folder: string;
  address: string;
  port: number;
  zones: readonly string[];
  largest: number;
}

function configuration({ folder, address, port, zones, largest }: Settings): string {
  return `server:
  ip-address: ${address}@${port}
  username: ""
  chroot: ""
  zonesdir: "${folder}"
  zonelistfile: "${folder}/zone.list"
  xfrdfile: "${folder}/xfrd.state"
  xfrdir: "${folder}"
  database: ""
  pidfile: ""
  server-count: 1
  ipv4-edns-size: ${largest}
  rrl-ratelimit: 0
remote-control:
  control-enable: no
${zones.map((zone) => `zone:\n  name: "${zone}"\n  zonefile: "${folder}/${zone}.zone"\n`).join('')}`;
}
