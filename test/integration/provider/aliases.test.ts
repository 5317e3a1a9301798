/** Several clusters in one configuration: each provider alias has its own, and nothing goes to another. */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Terraform } from './terraform.ts';

jest.setTimeout(90_000);

interface Stub {
  readonly server: Server;
  readonly url: string;
  /** Objects by path. */
  readonly objects: Map<string, object>;
}

/** As much of an API server as creating an object takes: the test is about which of them is asked. */
async function stub(): Promise<Stub> {
  const objects = new Map<string, object>();
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://stub').pathname;
    const answer = (status: number, body: object) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    const found = objects.get(path);
    if (request.method === 'GET') {
      const missing = { kind: 'Status', status: 'Failure', reason: 'NotFound', code: 404, message: 'none' };
      answer(found ? 200 : 404, found ?? missing);
      return;
    }
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.once('end', () => {
      const object = JSON.parse(text) as { metadata: object };
      const made = {
        ...object,
        metadata: { ...object.metadata, uid: path, resourceVersion: '1', generation: 1 },
      };
      objects.set(path, made);
      answer(201, made);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, objects };
}

let east: Stub;
let west: Stub;
let terraform: Terraform;

beforeAll(async () => {
  [east, west] = await Promise.all([stub(), stub()]);
  terraform = await Terraform.start(`provider "migosmtp" {
  host = "${east.url}"
}
provider "migosmtp" {
  alias = "west"
  host  = "${west.url}"
}
resource "migosmtp_plan_limit" "east" {
  name = "east"
  plan = "10k"
  wait = false
}
resource "migosmtp_plan_limit" "west" {
  provider = migosmtp.west
  name     = "west"
  plan     = "20k"
  wait     = false
}
`);
}, 120_000);
afterAll(() => {
  terraform?.remove();
  for (const { server } of [east, west]) {
    server.close();
    server.closeAllConnections();
  }
});

test('each object is made in the cluster of its provider, and read from there', async () => {
  await terraform.apply();
  const path = (name: string) => `/apis/migosmtp.com/v1alpha1/namespaces/default/planlimits/${name}`;
  expect([...east.objects.keys()]).toEqual([path('east')]);
  expect([...west.objects.keys()]).toEqual([path('west')]);
  expect((await terraform.plan()).code).toBe(0);
  west.objects.clear();
  const { output } = await terraform.plan();
  expect(output).toContain('migosmtp_plan_limit.west will be created');
  expect(output).toContain('1 to add, 0 to change, 0 to destroy');
});
