import type { Cluster } from '../../cluster/index.ts';

/** A Pod template's container, as these tests need it. */
export interface TestContainer {
  name?: string;
  image?: string;
  command: string[];
  [field: string]: unknown;
}

/** Applies objects as an administrator. */
export async function apply(cluster: Cluster, ...objects: object[]): Promise<void> {
  for (const object of objects) await cluster.kubectl(['apply', '-f', '-'], JSON.stringify(object));
}

export function pod(name: string, container: TestContainer, spec: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: name } },
    spec: { containers: [{ name: 'main', image: 'local', ...container }], ...spec },
  };
}

export function deployment(
  name: string,
  replicas: number,
  container: TestContainer,
  spec: object = {},
): object {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          terminationGracePeriodSeconds: 1,
          containers: [{ name: 'main', image: 'local', ...container }],
          ...spec,
        },
      },
    },
  };
}

export function service(name: string, port: number, targetPort: number): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { selector: { app: name }, ports: [{ port, targetPort }] },
  };
}

/** A container that answers every HTTP request with its Pod's name. */
export function web(port = 8080): TestContainer {
  const script = `
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        ok = not os.path.exists('/tmp/broken')
        self.send_response(200 if ok else 503); self.end_headers()
        self.wfile.write(os.environ['HOSTNAME'].encode())
    def log_message(self, *rest): pass
http.server.ThreadingHTTPServer(('', ${port}), Handler).serve_forever()`;
  return {
    image: 'docker.io/library/python:3.12',
    command: ['python3', '-c', script],
    ports: [{ containerPort: port }],
    readinessProbe: { httpGet: { path: '/', port }, periodSeconds: 1, failureThreshold: 1 },
  };
}

/** What a Pod's containers have printed, once `pattern` is in it. */
export function printed(cluster: Cluster, name: string, pattern: RegExp): Promise<RegExpExecArray> {
  return cluster.waitFor(`${pattern} in the log of ${name}`, async () => {
    return pattern.exec(await cluster.logs('default', name)) ?? undefined;
  });
}

/**
 * Asks URLs from inside the cluster's network, one after the other. Each answer is its text, or `failed`.
 * @param urls a URL is asked as often as it is listed
 */
export async function ask(cluster: Cluster, urls: readonly string[], namespace?: string): Promise<string[]> {
  const script = `for (const url of ${JSON.stringify(urls)}) {
  const answer = await fetch(url, { headers: { connection: 'close' }, signal: AbortSignal.timeout(5000) }).catch(() => undefined);
  console.log(answer?.ok ? await answer.text() : 'failed');
}`;
  const argv = [process.execPath, '--input-type=module', '-e', script];
  const { stdout } = await cluster.exec(argv, namespace === undefined ? {} : { namespace });
  return stdout.trim().split('\n');
}

/** A container that runs a Python program. */
export function python(script: string): TestContainer {
  return { image: 'docker.io/library/python:3', command: ['python3', '-uc', script] };
}
