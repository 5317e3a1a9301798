import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startCluster } from '../../cluster/index.ts';
import type { Cluster } from '../../cluster/index.ts';
import { network } from '../../cluster/state.ts';
import { apply, ask, deployment, pod, printed, python, service, web } from './objects.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster({
    mountDelayMs: 300,
    restartBackoffMs: 200,
    images: { packaged: { packages: ['ed'] } },
  });
}, 1_200_000);

afterAll(() => cluster.stop());

async function phase(name: string): Promise<string> {
  return cluster.kubectl(['get', 'pod', name, '-o', 'jsonpath={.status.phase}']);
}

async function field(name: string, path: string): Promise<string> {
  return cluster.kubectl(['get', 'pod', name, '-o', `jsonpath={${path}}`]);
}

/** Requests that are on their way when a Pod is told to end still find it, also on a busy machine. */
const patientWeb = [
  { ...web(), lifecycle: { preStop: { exec: { command: ['sleep', '2'] } } } },
  { terminationGracePeriodSeconds: 5 },
] as const;

describe('a Deployment behind a Service', () => {
  beforeAll(async () => {
    await apply(cluster, deployment('web', 2, ...patientWeb), service('web', 80, 8080));
    await cluster.kubectl(['rollout', 'status', 'deployment/web', '--timeout=30s']);
  }, 40_000);

  async function answers(count: number): Promise<Set<string>> {
    const urls = Array.from({ length: count }, () => 'http://web/');
    return new Set((await ask(cluster, urls, 'default')).filter((answer) => answer !== 'failed'));
  }

  test('is reached by name, on all its ready Pods', async () => {
    await cluster.waitFor('both Pods answer', async () => (await answers(6)).size === 2);
    const [answer] = await ask(cluster, ['http://web.default.svc.cluster.local/']);
    expect(answer).toMatch(/^web-/);
  });

  test('is reached by name from another Pod', async () => {
    const script = `import urllib.request; print(urllib.request.urlopen('http://web/').read())`;
    await apply(cluster, pod('client', python(script), { restartPolicy: 'OnFailure' }));
    await printed(cluster, 'client', /web-/);
    await cluster.waitFor('the Pod succeeds', async () => (await phase('client')) === 'Succeeded');
  });

  test('leaves out a Pod whose readiness probe fails, and takes it back', async () => {
    const [first = ''] = [...(await answers(2))];
    // The Pod is told by a file in its own root: broken means that it answers 503.
    const pid = await containerPid(first);
    await cluster.exec(['nsenter', '-t', String(pid), '-m', '-p', 'touch', '/tmp/broken']);
    await cluster.waitFor('only the other answers', async () => {
      const seen = await answers(4);
      return seen.size === 1 && !seen.has(first);
    });
    await cluster.exec(['nsenter', '-t', String(pid), '-m', '-p', 'rm', '/tmp/broken']);
    await cluster.waitFor('both answer again', async () => (await answers(6)).size === 2);
  });

  test('rolls to a new template without a failed request', async () => {
    const rolled = new AbortController();
    const client = (async () => {
      const seen: string[] = [];
      while (!rolled.signal.aborted)
        seen.push(
          ...(await ask(
            cluster,
            Array.from({ length: 20 }, () => 'http://web/'),
            'default',
          )),
        );
      return seen;
    })();
    const [container, spec] = patientWeb;
    const next = { ...container, env: [{ name: 'VERSION', value: '2' }] };
    await apply(cluster, deployment('web', 2, next, spec));
    await cluster.kubectl(['rollout', 'status', 'deployment/web', '--timeout=30s']);
    rolled.abort();
    const seen = await client;
    expect(seen.filter((answer) => answer === 'failed')).toEqual([]);
    expect(new Set(seen).size).toBeGreaterThanOrEqual(3);
  }, 60_000);
});

async function containerPid(name: string): Promise<number> {
  const uid = await field(name, '.metadata.uid');
  const identity = (await cluster.processes()).get(`pod-${uid}-main`);
  if (identity === undefined) throw new Error(`no process of ${name}`);
  return identity.pid;
}

test('Pods that come and go leave the way to the API server as it was', async () => {
  // A bridge without an address of its own takes the lowest of its ports.
  const script = `
ip link add lowest address 00:00:00:00:00:02 type veth peer name other
ip link set lowest master br0 up
ip -oneline link show br0
ip link delete lowest`;
  const { stdout } = await cluster.exec(['sh', '-ec', script], { packages: ['iproute2'] });
  expect(stdout).toContain(`link/ether ${network.gatewayMac} `);
});

test('a Service of type LoadBalancer gets an address that answers', async () => {
  const outside = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'outside' },
    spec: { type: 'LoadBalancer', selector: { app: 'web' }, ports: [{ port: 8000, targetPort: 8080 }] },
  };
  await apply(cluster, outside);
  const path = 'jsonpath={.status.loadBalancer.ingress[0].ip}';
  await cluster.waitFor('an answer', async () => {
    const address = await cluster.kubectl(['get', 'service', 'outside', '-o', path]);
    const [answer = ''] = await ask(cluster, [`http://${address}:8000/`]);
    return answer.startsWith('web-');
  });
});

test('a mounted Secret follows a change, whole', async () => {
  const secret = (value: string) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'login' },
    stringData: { user: value, password: value },
  });
  await apply(cluster, secret('one'));
  const script = 'while true; do echo "$(cat /login/user)=$(cat /login/password)"; sleep 0.05; done';
  const volumes = [{ name: 'login', secret: { secretName: 'login' } }];
  const volumeMounts = [{ name: 'login', mountPath: '/login' }];
  await apply(cluster, pod('reader', { command: ['sh', '-c', script], volumeMounts }, { volumes }));
  await printed(cluster, 'reader', /one=one/);
  await apply(cluster, secret('two'));
  await printed(cluster, 'reader', /two=two/);
});

test('a claim outlives the Pod that wrote to it', async () => {
  const claim = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  };
  const spec = {
    restartPolicy: 'Never',
    securityContext: { runAsUser: 65532, fsGroup: 65532 },
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
  };
  const volumeMounts = [{ name: 'data', mountPath: '/data' }];
  await apply(
    cluster,
    claim,
    pod('writer', { command: ['sh', '-c', 'echo kept > /data/file'], volumeMounts }, spec),
  );
  await cluster.waitFor('the writer ends', async () => (await phase('writer')) === 'Succeeded');
  await cluster.kubectl(['delete', 'pod', 'writer']);
  await apply(cluster, pod('finder', { command: ['cat', '/data/file'], volumeMounts }, spec));
  await printed(cluster, 'finder', /kept/);
  await cluster.kubectl(['delete', 'pod', 'finder']);
  await cluster.kubectl(['delete', 'pvc', 'data']);
  await cluster.waitFor('the volume goes with its claim', async () => {
    return (await cluster.kubectl(['get', 'pv', '-o', 'name'])) === '';
  });
});

test('a restricted container is nobody, cannot write its root and has no privileges', async () => {
  const securityContext = {
    runAsNonRoot: true,
    runAsUser: 65532,
    readOnlyRootFilesystem: true,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
  };
  const script =
    'id -u; touch /x /tmp/x /app/x; grep -E "CapBnd|NoNewPrivs" /proc/self/status; touch /scratch/x && echo scratch';
  const volumes = [{ name: 'scratch', emptyDir: {} }];
  const volumeMounts = [{ name: 'scratch', mountPath: '/scratch' }];
  const container = {
    image: 'ghcr.io/migosmtp/relay:test',
    command: ['sh', '-c', script],
    securityContext,
    volumeMounts,
  };
  await apply(cluster, pod('restricted', container, { restartPolicy: 'Never', volumes }));
  await printed(cluster, 'restricted', /scratch\n/);
  const text = await cluster.logs('default', 'restricted');
  expect(text).toContain('65532\n');
  expect(text.match(/Read-only file system/g)).toHaveLength(3);
  expect(text).toMatch(/CapBnd:\s+0000000000000000/);
  expect(text).toMatch(/NoNewPrivs:\s+1/);
});

test('a container that must not be root is not started as root', async () => {
  await apply(cluster, pod('rootless', { command: ['true'], securityContext: { runAsNonRoot: true } }));
  const path = '.status.containerStatuses[0].state.waiting.reason';
  await cluster.waitFor(
    'the refusal',
    async () => (await field('rootless', path)) === 'CreateContainerConfigError',
  );
});

test('a Pod is asked to end by SIGTERM and killed after its grace period', async () => {
  const script = 'trap "echo asked" TERM; echo up; while true; do sleep 0.1; done';
  await apply(
    cluster,
    pod('stubborn', { command: ['sh', '-c', script] }, { terminationGracePeriodSeconds: 1 }),
  );
  await printed(cluster, 'stubborn', /up/);
  const started = Date.now();
  await cluster.kubectl(['delete', 'pod', 'stubborn']);
  expect(Date.now() - started).toBeGreaterThan(900);
  expect(Date.now() - started).toBeLessThan(10_000);
  expect(await cluster.logs('default', 'stubborn')).toContain('asked');
});

test('a container that fails its liveness probe is restarted', async () => {
  const livenessProbe = {
    exec: { command: ['test', '!', '-e', '/tmp/dead'] },
    periodSeconds: 1,
    failureThreshold: 1,
  };
  const command = ['sh', '-c', 'sleep 0.5; touch /tmp/dead; exec sleep 1000'];
  const spec = { terminationGracePeriodSeconds: 0 };
  await apply(cluster, pod('mortal', { command, livenessProbe }, spec));
  const path = '.status.containerStatuses[0].restartCount';
  await cluster.waitFor('a restart', async () => Number(await field('mortal', path)) >= 1);
});

test.each([true, false])(
  "an image's packages are at their real paths, and writes stay in the container (read-only root: %s)",
  async (readOnlyRootFilesystem) => {
    const name = readOnlyRootFilesystem ? 'packaged' : 'packaged-writable';
    const write = '{ touch /usr/bin/trace /etc/trace; } 2>/dev/null && echo written';
    const script = `ed --version | head -n 1; ls -d /bin/sh /lib64/ld-*; ${write} || echo refused`;
    const container = {
      image: 'packaged',
      command: ['sh', '-c', script],
      securityContext: { readOnlyRootFilesystem },
    };
    await apply(cluster, pod(name, container, { restartPolicy: 'Never' }));
    await printed(cluster, name, readOnlyRootFilesystem ? /refused/ : /written/);
    expect(await cluster.logs('default', name)).toMatch(/GNU ed[^]*\/bin\/sh[^]*ld-/);
    expect(existsSync('/usr/bin/trace') || existsSync('/etc/trace')).toBe(false);
  },
);

test("a Pod's service account may do only what RBAC grants", async () => {
  const script = `
import ssl, urllib.error, urllib.request
folder = '/var/run/secrets/kubernetes.io/serviceaccount/'
trust = ssl.create_default_context(cafile=folder + 'ca.crt')
def ask(path):
    headers = {'Authorization': 'Bearer ' + open(folder + 'token').read()}
    request = urllib.request.Request('https://kubernetes.default.svc' + path, headers=headers)
    try: return urllib.request.urlopen(request, context=trust).status
    except urllib.error.HTTPError as error: return error.code
print('version', ask('/version'), 'secrets', ask('/api/v1/namespaces/default/secrets'))`;
  await apply(cluster, pod('asker', python(script), { restartPolicy: 'Never' }));
  await printed(cluster, 'asker', /version 200 secrets 403/);
});

test("a Pod's environment comes from fields, Secrets and other variables", async () => {
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'env' },
    stringData: { key: 'value' },
  };
  const env = [
    { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    { name: 'KEY', valueFrom: { secretKeyRef: { name: 'env', key: 'key' } } },
    { name: 'BOTH', value: '$(NAME)-$(KEY)' },
  ];
  await apply(
    cluster,
    secret,
    pod('variables', { command: ['sh', '-c', 'echo $BOTH'], env }, { restartPolicy: 'Never' }),
  );
  await printed(cluster, 'variables', /variables-value/);
  expect(await cluster.kubectl(['logs', 'variables'])).toContain('variables-value');
});
