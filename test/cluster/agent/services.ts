import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ApiClient } from '../api-client.ts';
import { network } from '../state.ts';
import type { ServedPort, Target } from './helper-protocol.ts';
import { assignAddress } from './load-balancers.ts';
import type { NetworkHelper } from './network-helper.ts';
import { Reflector } from './reflector.ts';
import type { EndpointSlice, Endpoints, Service } from './types.ts';

/** Backends of one Service port, from whichever kind the API server has. */
interface Backends {
  service: string;
  port: string;
  targets: { host: string; port: number }[];
}

/** The machine's own names; one made from a bare image may have no such file. */
function machineHosts(): string {
  return existsSync('/etc/hosts') ? readFileSync('/etc/hosts', 'utf8') : '127.0.0.1\tlocalhost\n';
}

/** Keeps Service addresses served and Service names in hosts files. */
export class Services {
  readonly #services: Reflector<Service>;
  readonly #backends: () => Backends[];
  readonly #helper: NetworkHelper;
  readonly #folder: string;
  readonly #writers = new Map<string, () => void>();
  readonly #synced: Promise<void>[];
  #pending = false;

  constructor(client: ApiClient, helper: NetworkHelper, folder: string, hasSlices: boolean) {
    this.#helper = helper;
    this.#folder = folder;
    this.#services = new Reflector<Service>(client, '/api/v1/services');
    this.#services.on('change', (service, what) => {
      this.#changed();
      if (what === 'set') void assignAddress(client, service);
    });
    if (hasSlices) {
      const slices = new Reflector<EndpointSlice>(client, '/apis/discovery.k8s.io/v1/endpointslices');
      slices.on('change', () => this.#changed());
      this.#backends = () => slices.all().flatMap(fromSlice);
      this.#synced = [this.#services.synced, slices.synced];
    } else {
      const endpoints = new Reflector<Endpoints>(client, '/api/v1/endpoints');
      endpoints.on('change', () => this.#changed());
      this.#backends = () => endpoints.all().flatMap(fromEndpoints);
      this.#synced = [this.#services.synced, endpoints.synced];
    }
    this.addHosts('_', undefined, machineHosts());
  }

  async synced(): Promise<void> {
    await Promise.all(this.#synced);
  }

  /**
   * Keeps a hosts file `<folder>/hosts/<name>/hosts`: `first`, then every Service under its names.
   * @param namespace whose Services also get their short name
   * @returns the folder to mount; readers of the file in it see each version whole
   */
  addHosts(name: string, namespace: string | undefined, first: string): string {
    const folder = join(this.#folder, 'hosts', name);
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    let last = '';
    const write = () => {
      const text = `${first.trimEnd()}\n${this.#lines(namespace)}`;
      if (text === last) return;
      last = text;
      writeFileSync(join(folder, 'hosts.new'), text, { mode: 0o644 });
      renameSync(join(folder, 'hosts.new'), join(folder, 'hosts'));
    };
    this.#writers.set(name, write);
    write();
    return folder;
  }

  dropHosts(name: string): void {
    this.#writers.delete(name);
  }

  /** Joins bursts of events into one update. */
  #changed(): void {
    if (this.#pending) return;
    this.#pending = true;
    setImmediate(() => {
      this.#pending = false;
      for (const { metadata } of this.#services.all()) {
        const namespace = metadata.namespace ?? '';
        if (!this.#writers.has(namespace)) this.addHosts(namespace, namespace, machineHosts());
      }
      this.#helper.serve(this.#served());
      for (const write of this.#writers.values()) write();
    });
  }

  #served(): ServedPort[] {
    const backends = new Map<string, Target[]>();
    for (const { service, port, targets } of this.#backends()) {
      const key = `${service}:${port}`;
      backends.set(key, [...(backends.get(key) ?? []), ...targets]);
    }
    return this.#services.all().flatMap((service) => {
      const addresses = [
        service.spec.clusterIP,
        ...(service.status?.loadBalancer?.ingress ?? []).map((i) => i.ip),
      ];
      const key = keyOf(service);
      return (service.spec.ports ?? [])
        .filter((port) => (port.protocol ?? 'TCP') === 'TCP')
        .flatMap(({ name, port }) =>
          addresses.filter(isAddress).map((address) => ({
            address,
            port,
            targets: key === 'default/kubernetes' ? 'agent' : (backends.get(`${key}:${name ?? ''}`) ?? []),
          })),
        );
    });
  }

  #lines(namespace: string | undefined): string {
    const headless = new Map<string, Set<string>>();
    for (const { service, targets } of this.#backends()) {
      const known = headless.get(service) ?? new Set();
      for (const { host } of targets) known.add(host);
      headless.set(service, known);
    }
    return this.#services
      .all()
      .toSorted((a, b) => keyOf(a).localeCompare(keyOf(b)))
      .flatMap((service) => {
        const own = service.spec.clusterIP;
        const addresses = isAddress(own) ? [own] : [...(headless.get(keyOf(service)) ?? [])].sort();
        const full = `${service.metadata.name}.${service.metadata.namespace}`;
        const short = service.metadata.namespace === namespace ? ` ${service.metadata.name}` : '';
        return addresses.map((ip) => `${ip} ${full}.svc.cluster.local ${full}.svc ${full}${short}\n`);
      })
      .join('');
  }
}

function isAddress(value: string | undefined): value is string {
  return value !== undefined && value !== '' && value !== 'None';
}

function keyOf(object: { metadata: { name: string; namespace?: string } }): string {
  return `${object.metadata.namespace}/${object.metadata.name}`;
}

function fromSlice(slice: EndpointSlice): Backends[] {
  const service = `${slice.metadata.namespace}/${slice.metadata.labels?.['kubernetes.io/service-name']}`;
  const ready = (slice.endpoints ?? []).filter((endpoint) => endpoint.conditions?.ready !== false);
  const hosts = ready.flatMap((endpoint) => endpoint.addresses);
  return (slice.ports ?? []).map(({ name, port }) => ({
    service,
    port: name ?? '',
    targets: hosts.map((host) => ({ host, port: port ?? 0 })),
  }));
}

function fromEndpoints(endpoints: Endpoints): Backends[] {
  const service = keyOf(endpoints);
  return (endpoints.subsets ?? []).flatMap(({ addresses, ports }) =>
    (ports ?? []).map(({ name, port }) => ({
      service,
      port: name ?? '',
      targets: (addresses ?? []).map(({ ip }) => ({ host: ip, port })),
    })),
  );
}

/** What a Pod without names of its own starts its hosts file with. */
export function podHosts(address: string, hostname: string): string {
  return `127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n${address} ${hostname}\n`;
}

/** Text of a resolv.conf for the given name server. */
export function resolvConf(resolver: string): string {
  const server = resolver === '' ? network.gateway : resolver;
  return `nameserver ${server}\noptions timeout:2 attempts:2\n`;
}
