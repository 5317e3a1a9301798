/** What is wrong in a configuration is told by validate, without a cluster: one diagnostic, at its line, with what is allowed. */
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { Terraform, unframed } from './terraform.ts';

jest.setTimeout(60_000);

let terraform: Terraform;
beforeAll(async () => {
  terraform = await Terraform.start('provider "migosmtp" {}\n');
}, 120_000);
afterAll(() => terraform?.remove());

interface Wrong {
  what: string;
  type: string;
  body: string;
  line: RegExp;
  words: string;
}

const WRONG: Wrong[] = [
  {
    what: 'a duration',
    type: 'smtp_account',
    body: 'rotation = { interval = "often" }',
    line: /rotation = \{ interval = "often" \}/,
    words: 'rotation.interval must be a length of time such as "90s", "24h" or "1h30m"',
  },
  {
    what: 'a number below its least',
    type: 'smtp_account',
    body: 'limits = { per_day = 0 }',
    line: /limits = /,
    words: 'limits.per_day must be from 1 to 2147483647, not 0',
  },
  {
    what: 'a fraction of an email',
    type: 'smtp_account',
    body: 'limits = { per_day = 1.5 }',
    line: /limits = /,
    words: 'limits.per_day must be a whole number',
  },
  {
    what: 'a word that is not in the list',
    type: 'plan_limit',
    body: 'plan = "40k"',
    line: /plan = "40k"/,
    words: 'plan must be one of "10k", "20k", "30k", not "40k"',
  },
  {
    what: 'a sender in a set',
    type: 'smtp_account',
    body: 'allowed_senders = ["ok@example.com", "not an address"]',
    line: /allowed_senders = /,
    words:
      'allowed_senders["not an address"] must be an email address, or "*@example.com" for all of a domain',
  },
  {
    what: 'an entry of a nested set',
    type: 'smtp_account',
    body: 'rollout_targets = [{ kind = "Job", name = "a" }]',
    line: /rollout_targets = /,
    words: 'rollout_targets[*].kind must be one of "Deployment", "StatefulSet", "DaemonSet", not "Job"',
  },
  {
    what: 'two attributes that exclude each other',
    type: 'smtp_account',
    body: 'password_from = { name = "mine" }\n rotation = { interval = "24h" }',
    line: /\d: +password_from = /,
    words: 'rotation.interval cannot be used with password_from',
  },
  {
    what: 'one of two that is needed',
    type: 'smtp_relay',
    body: 'delivery = {}',
    line: /delivery = \{\}/,
    words: 'delivery needs exactly one of smarthost and direct',
  },
  {
    what: 'a reserved key',
    type: 'smtp_account',
    body: 'secret = { keys = { password = "x" } }',
    line: /secret = /,
    words: 'secret.keys may not redefine a standard key',
  },
  {
    what: 'a key that no Secret can have',
    type: 'smtp_account',
    body: 'secret = { keys = { "mail url" = "{{uri}}" } }',
    line: /\d: +secret = /,
    words: 'secret.keys["mail url"] must be a key of a Secret',
  },
  {
    what: 'more pods than the storage serves',
    type: 'smtp_relay',
    body: 'delivery = { direct = {} }\n replicas = 2',
    line: /\d: +replicas = 2/,
    words: 'replicas above 1 needs storage.postgres',
  },
  {
    what: 'a template that is no object',
    type: 'smtp_relay',
    body: 'delivery = { direct = {} }\n pod_template = "nodeSelector"',
    line: /\d: +pod_template = /,
    words: 'pod_template must be an object as JSON',
  },
  {
    what: 'a label',
    type: 'smtp_account',
    body: 'labels = { "bad key" = "x" }',
    line: /\d: +labels = /,
    words: 'labels["bad key"] must have a key of Kubernetes',
  },
  {
    what: 'a name that Kubernetes would refuse',
    type: 'plan_limit',
    body: 'namespace = "My_Space"\n plan = "10k"',
    line: /namespace = "My_Space"/,
    words: 'namespace must be the name of a Kubernetes namespace',
  },
];

const WRONG_PROVIDERS: readonly [body: string, line: RegExp, words: string][] = [
  ['host = "ftp://somewhere"', /\d: +host = /, 'host must be a URL such as'],
  ['token = "two\\nlines"', /\d: +token = /, 'token must be one word without spaces or line breaks'],
  [
    'cluster_ca_certificate = "LS0tLS1CRUdJTg=="',
    /\d: +cluster_ca/,
    'base64decode(...) of what a kubeconfig holds',
  ],
  ['proxy_url = "socks5://proxy:1080"', /\d: +proxy_url/, 'proxy_url must be the URL of an HTTP proxy'],
  [
    'client_certificate = "-----BEGIN CERTIFICATE-----"',
    /\d: +client_certificate/,
    'client_certificate needs client_key beside it',
  ],
  [
    'exec {\n api_version = "v1"\n command = "login"\n}',
    /\d: +api_version = "v1"/,
    'exec.api_version must be one of "client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1", not "v1"',
  ],
];

it.each(WRONG)('refuses $what with one diagnostic at its line', async ({ type, body, line, words }) => {
  terraform.write(`resource "migosmtp_${type}" "it" {\n name = "it"\n ${body}\n}\n`);
  const { code, output } = await terraform.run(['validate', '-no-color']);
  expect(code).toBe(1);
  expect(output.match(/Error:/g)).toHaveLength(1);
  expect(unframed(output)).toContain(words);
  expect(output).toMatch(line);
});

it.each(WRONG_PROVIDERS)('refuses a provider block with %s', async (body, line, words) => {
  terraform.write(`provider "migosmtp" {\n ${body}\n}\nresource "migosmtp_plan_limit" "it" {
  name = "it"
  plan = "10k"
}`);
  const { code, output } = await terraform.run(['validate', '-no-color']);
  expect(code).toBe(1);
  expect(output.match(/Error:/g)).toHaveLength(1);
  expect(unframed(output)).toContain(words);
  expect(output).toMatch(line);
});
