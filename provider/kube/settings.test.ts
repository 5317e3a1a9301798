import { describe, expect, it } from '@jest/globals';
import { impersonationHeaders } from './credentials.ts';
import { resolveConnection, withEnvironment, type ProviderSettings } from './settings.ts';

const KUBECONFIG = `
apiVersion: v1
kind: Config
current-context: one
clusters:
- name: c1
  cluster:
    server: https://one.example:6443/
    certificate-authority-data: ${Buffer.from('CA ONE').toString('base64')}
- name: c2
  cluster:
    server: https://two.example
    certificate-authority: ca.pem
    proxy-url: http://proxy:3128
users:
- name: u1
  user: {token: PLANTED-token}
- name: u2
  user:
    exec: {apiVersion: client.authentication.k8s.io/v1, command: ./login, args: [a], env: [{name: X, value: y}]}
contexts:
- {name: one, context: {cluster: c1, user: u1}}
- {name: two, context: {cluster: c2, user: u2}}
`;
const FILES: Record<string, string> = {
  '/home/me/.kube/config': KUBECONFIG,
  '/home/me/.kube/ca.pem': 'CA TWO',
  '/broken': 'users: [{name: u, user: {token: PLANTED-token',
  '/var/run/secrets/kubernetes.io/serviceaccount/ca.crt': 'CA POD',
};
const files = { read: (path: string) => FILES[path] };
const resolve = (settings: ProviderSettings, environment: Record<string, string> = {}) =>
  resolveConnection(withEnvironment(settings, environment), { HOME: '/home/me', ...environment }, files);

describe('connection', () => {
  it('comes from the current context of a kubeconfig', async () => {
    expect(await resolve({ configPath: '~/.kube/config' })).toEqual({
      server: 'https://one.example:6443',
      ca: 'CA ONE',
      isInsecure: false,
      token: 'PLANTED-token',
    });
  });

  it('acts as another identity where the kubeconfig or the block says so', async () => {
    const text = KUBECONFIG.replace(
      'user: {token: PLANTED-token}',
      'user: {token: t, as: ci, as-groups: [builders], as-user-extra: {reason: [release]}}',
    );
    const other = { read: (path: string) => (path === '/as' ? text : FILES[path]) };
    const fromFile = await resolveConnection({ configPath: '/as' }, {}, other);
    const impersonate = { user: 'ci', groups: ['builders'], extra: { reason: ['release'] } };
    expect(fromFile.impersonate).toEqual(impersonate);
    const stated = { configPath: '/as', impersonate: { user: 'ops' } };
    const fromBlock = await resolveConnection(stated, {}, other);
    expect(impersonationHeaders(fromFile)).toEqual({
      'impersonate-user': 'ci',
      'impersonate-group': ['builders'],
      'impersonate-extra-reason': ['release'],
    });
    expect(impersonationHeaders(fromBlock)).toEqual({ 'impersonate-user': 'ops' });
  });

  it('comes from a named context, with files beside the kubeconfig', async () => {
    expect(await resolve({ configPath: '~/.kube/config', configContext: 'two' })).toEqual({
      server: 'https://two.example',
      ca: 'CA TWO',
      isInsecure: false,
      proxyUrl: 'http://proxy:3128',
      exec: {
        apiVersion: 'client.authentication.k8s.io/v1',
        command: '/home/me/.kube/login',
        args: ['a'],
        env: { X: 'y' },
      },
    });
  });

  it('comes from several files, of which the first that names a thing counts', async () => {
    const texts: Record<string, string> = {
      '/one': 'clusters: [{name: c, cluster: {server: "https://first.example"}}]\ncurrent-context: x',
      '/two': `clusters: [{name: c, cluster: {server: "https://second.example"}}]
users: [{name: u, user: {token: PLANTED-token}}]
contexts: [{name: x, context: {cluster: c, user: u}}]`,
    };
    const several = { read: (path: string) => texts[path] };
    const expected = { server: 'https://first.example', token: 'PLANTED-token', isInsecure: false };
    expect(await resolveConnection({ configPaths: ['/one', '/two'] }, {}, several)).toEqual(expected);
    const settings = withEnvironment({}, { KUBE_CONFIG_PATHS: '/one:/two' });
    expect(await resolveConnection(settings, {}, several)).toEqual(expected);
  });

  it('takes cluster and user apart', async () => {
    const settings = { configPath: '~/.kube/config', configContextCluster: 'c2' };
    expect(await resolve(settings)).toMatchObject({ server: 'https://two.example', token: 'PLANTED-token' });
  });

  it('is overridden by what the block states, and the block wins over the environment', async () => {
    const environment = {
      KUBE_CONFIG_PATH: '/home/me/.kube/config',
      KUBE_TOKEN: 'from-environment',
      KUBE_CTX: 'two',
    };
    expect(await resolve({ token: 'from-block', configContext: 'one' }, environment)).toMatchObject({
      server: 'https://one.example:6443',
      token: 'from-block',
    });
  });

  it('takes the plugin of the block rather than the token of the kubeconfig', async () => {
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'login', args: [], env: {} };
    const found = await resolve({ configPath: '~/.kube/config', exec });
    expect(found).toMatchObject({ server: 'https://one.example:6443', exec });
    expect(found).not.toHaveProperty('token');
  });

  it.each([
    ['true', true],
    ['1', true],
    ['false', false],
    ['', false],
  ])('is insecure by KUBE_INSECURE=%s: %s', async (text, isInsecure) => {
    expect(await resolve({ host: 'h' }, { KUBE_INSECURE: text })).toMatchObject({ isInsecure });
  });

  it('is that of the pod when nothing is stated', async () => {
    const environment = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '6443' };
    expect(await resolve({}, environment)).toMatchObject({ server: 'https://[fd00::1]:6443', ca: 'CA POD' });
  });

  it('goes through HTTPS_PROXY, but not where NO_PROXY or loopback forbids it', async () => {
    const environment = { HTTPS_PROXY: 'http://proxy:1', NO_PROXY: 'x, .internal' };
    expect(await resolve({ host: 'api.example.com' }, environment)).toMatchObject({
      proxyUrl: 'http://proxy:1',
    });
    expect(await resolve({ host: 'https://api.internal' }, environment)).not.toHaveProperty('proxyUrl');
    expect(await resolve({ host: 'https://127.0.0.1:6443' }, environment)).not.toHaveProperty('proxyUrl');
  });

  it.each<[string, ProviderSettings, string]>([
    ['nothing is stated', {}, 'No cluster is named'],
    ['the file is not there', { configPath: '/none' }, 'The kubeconfig /none cannot be read'],
    ['the file is not YAML', { configPath: '/broken' }, 'The kubeconfig /broken is not valid YAML'],
    [
      'the context is not there',
      { configPath: '~/.kube/config', configContext: 'x' },
      'no context "x"; it has "one", "two"',
    ],
    ['half of a client certificate is there', { host: 'h', clientKey: 'PLANTED-token' }, 'go together'],
    ['the host is no URL', { host: 'https://a b' }, 'host is not an URL'],
    ['the host is one of another kind', { host: 'ftp://h' }, 'host is not an URL'],
    [
      'the token is two lines',
      { host: 'h', token: 'PLANTED-token\n' },
      'The token holds a space or line break',
    ],
  ])('when %s, says so without a secret', async (_what, settings, words) => {
    const failure = await resolve(settings).catch((cause: unknown) => cause as Error);
    expect(failure).toMatchObject({ name: 'SettingsError', message: expect.stringContaining(words) });
    expect(JSON.stringify(failure)).not.toContain('PLANTED');
  });
});
