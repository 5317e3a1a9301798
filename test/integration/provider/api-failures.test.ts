/** Each status that the API server may answer, and its silence: one diagnostic, at the resource, that says what to do. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { startCluster, type Cluster } from '../../cluster/index.ts';
import { FaultyApi } from '../operator/support/faulty-api.ts';
import { Terraform, unframed } from './terraform.ts';

jest.setTimeout(90_000);

let cluster: Cluster;
let api: FaultyApi;
let terraform: Terraform;

const ROWS: readonly [status: number, reason: string, summary: string, advice: string][] = [
  [401, 'Unauthorized', 'Credentials are not accepted', 'Renew token, certificate or exec plugin'],
  [403, 'Forbidden', 'Not allowed to create', 'Give the identity of the provider block that right in RBAC'],
  [404, 'NotFound', 'Kind or namespace is not in the cluster', 'Install the MigoSMTP chart'],
  [409, 'Conflict', 'The object changed meanwhile', 'Run again'],
  [422, 'Invalid', 'The API server refuses the values', 'the API server says'],
  [429, 'TooManyRequests', 'The API server is overloaded', 'run again later, or with -parallelism=2'],
  [500, 'InternalError', 'The API server failed (500)', "see the API server's log, then run again"],
  [503, 'ServiceUnavailable', 'The API server failed (503)', "see the API server's log, then run again"],
];

beforeAll(async () => {
  cluster = await startCluster({ agent: false });
  api = await FaultyApi.start(cluster.kubeconfig);
  terraform = await Terraform.start(`provider "migosmtp" {
  host = "${api.connection.server}"
}
resource "migosmtp_smtp_account" "it" {
  name     = "it"
  timeouts = { create = "8s" }
}
`);
}, 600_000);
afterAll(async () => {
  terraform?.remove();
  await api?.stop();
  await cluster?.stop();
});

/** Plans ask about limits as well: those answers are left alone. */
const isAccount = ({ url }: { url: string }) => url.includes('/smtpaccounts/');

describe('the API server', () => {
  it.each(ROWS)('answers %s %s', async (status, reason, summary, advice) => {
    api.fault = (request) => (isAccount(request) ? { status, reason } : undefined);
    const { code, output } = await terraform.run(['apply', '-auto-approve', '-no-color']);
    expect(code).toBe(1);
    expect(output.match(/Error:/g)).toHaveLength(1);
    expect(unframed(output)).toContain(`Error: ${summary}`);
    expect(unframed(output)).toContain(advice);
    expect(unframed(output)).toContain('SmtpAccount default/it');
    expect(output).toContain('resource "migosmtp_smtp_account" "it"');
  });

  it('says nothing: the timeout is told, and which operation it ended', async () => {
    api.fault = (request) => (isAccount(request) ? 'silence' : undefined);
    const output = await terraform.refused();
    expect(output.match(/Error:/g)).toHaveLength(1);
    expect(output).toContain('Error: Timeout');
    expect(output).toContain('SmtpAccount default/it did not create within 8s');
  });

  it('fails for a moment, and nobody hears of it', async () => {
    let failures = 3;
    api.fault = (request) => {
      if (!isAccount(request) || request.method !== 'PATCH' || failures === 0) return undefined;
      failures -= 1;
      return { status: [500, 429, 503][failures] ?? 500, headers: { 'retry-after': '1' } };
    };
    terraform.write(`provider "migosmtp" {
  host = "${api.connection.server}"
}
resource "migosmtp_smtp_account" "it" {
  name = "it"
  wait = false
}
`);
    await terraform.apply();
    expect(failures).toBe(0);
  });

  it.each([
    [401, 'Unauthorized', 'Credentials are not accepted'],
    [403, 'Forbidden', 'Not allowed to read'],
    [500, 'InternalError', 'The API server failed (500)'],
  ])('answers %s %s to a refresh: one diagnostic, and the state stays', async (status, reason, summary) => {
    api.fault = (request) => (isAccount(request) ? { status, reason } : undefined);
    const output = await terraform.refused(['plan', '-no-color']);
    expect(output.match(/Error:/g)).toHaveLength(1);
    expect(output).toContain(`Error: ${summary}`);
    expect(output).toContain('SmtpAccount default/it');
    api.fault = () => undefined;
    expect((await terraform.plan()).code).toBe(0);
  });

  it('loses the answer to a write: the object is there, and the next apply says how to take it over', async () => {
    api.fault = () => undefined;
    let isLost = false;
    api.lose = ({ method }) => {
      if (method !== 'PATCH' || isLost) return false;
      return (isLost = true);
    };
    terraform.write(`provider "migosmtp" {
  host = "${api.connection.server}"
}
resource "migosmtp_smtp_account" "lost" {
  name = "lost"
  wait = false
}
`);
    const { code, output } = await terraform.run(['apply', '-auto-approve', '-no-color']);
    api.lose = () => false;
    expect(isLost).toBe(true);
    expect(code).toBe(1);
    expect(unframed(output)).toContain('terraform import migosmtp_smtp_account.<name> default/lost');
  });
});
