import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { credentials, loadPackageDefinition, type Client } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { createIdentity } from '../../../provider/wire/certificate.ts';
import { decodeValue } from '../../../provider/wire/value-codec.ts';
import type { Type, Value } from '../../../provider/core/index.ts';
import { providerExecutable } from './terraform.ts';

const INTERFACE = resolve(import.meta.dirname, '../../../provider/protocol/tfplugin6.10.proto');
const COOKIE = 'd602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2';
const START_MS = 30_000;

export interface DynamicValue {
  msgpack: Buffer;
  json: Buffer;
}

export interface WireDiagnostic {
  severity: string;
  summary: string;
  detail: string;
}

type Unary = (request: object, done: (failure: Error | null, response: unknown) => void) => void;
type Streaming = (request: object) => AsyncIterable<unknown>;

/**
 * Terraform of a later release, as far as the protocol goes: starts the provider as a process, shakes hands, and
 * calls it over its real socket with a gRPC client that is generated from the interface file.
 */
export class PluginClient {
  readonly #process: ChildProcess;
  readonly #client: Client;

  private constructor(process: ChildProcess, client: Client) {
    this.#process = process;
    this.#client = client;
  }

  static async start(): Promise<PluginClient> {
    const identity = createIdentity(Date.now());
    const child = spawn(await providerExecutable(), [], {
      env: {
        PATH: process.env['PATH'],
        TF_PLUGIN_MAGIC_COOKIE: COOKIE,
        PLUGIN_PROTOCOL_VERSIONS: '5,6',
        PLUGIN_CLIENT_CERT: identity.certificatePem,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface(child.stdout), 'line', {
      signal: AbortSignal.timeout(START_MS),
    })) as [string];
    const [, version, network, socket = '', kind, certificate = ''] = line.split('|');
    if (version !== '6' || network !== 'unix' || kind !== 'grpc') throw new Error(`handshake: ${line}`);
    const root = `-----BEGIN CERTIFICATE-----\n${certificate}\n-----END CERTIFICATE-----\n`;
    const channel = credentials.createSsl(
      Buffer.from(root),
      Buffer.from(identity.keyPem),
      Buffer.from(identity.certificatePem),
    );
    const options = { 'grpc.ssl_target_name_override': 'localhost', 'grpc.default_authority': 'localhost' };
    return new PluginClient(child, new (service())(`unix:${socket}`, channel, options));
  }

  call<T>(method: string, request: object = {}): Promise<T> {
    const unary = this.#method<Unary>(method);
    return new Promise((resolve, reject) => {
      unary(request, (failure, response) => (failure ? reject(failure) : resolve(response as T)));
    });
  }

  async events<T>(method: string, request: object): Promise<T[]> {
    const found: T[] = [];
    for await (const event of this.#method<Streaming>(method)(request)) found.push(event as T);
    return found;
  }

  async stop(): Promise<void> {
    this.#client.close();
    if (this.#process.exitCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill();
    await ended;
  }

  #method<T>(name: string): T {
    const methods = this.#client as unknown as Record<string, (...args: never[]) => unknown>;
    const method = methods[name];
    if (!method) throw new Error(`the interface file has no ${name}`);
    return method.bind(this.#client) as T;
  }
}

function service() {
  const definition = loadSync(INTERFACE, {
    longs: Number,
    enums: String,
    defaults: true,
    oneofs: true,
    includeDirs: [join(resolve(INTERFACE, '..'))],
  });
  const loaded = loadPackageDefinition(definition)['tfplugin6'] as Record<string, unknown>;
  return loaded['Provider'] as new (...args: ConstructorParameters<typeof Client>) => Client;
}

/** A value as Terraform may send it: JSON stands beside msgpack in the protocol. */
export function sent(value: unknown): { json: Buffer } {
  return { json: Buffer.from(JSON.stringify(value)) };
}

export function received(wire: DynamicValue | null | undefined, type: Type): Value {
  if (!wire) throw new Error('no value came');
  return decodeValue(wire.msgpack, type);
}
