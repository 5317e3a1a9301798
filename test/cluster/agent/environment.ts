import type { ReferredObjects } from './objects.ts';
import type { Container, EnvVar, Pod } from './types.ts';
import { network } from '../state.ts';

/** A container cannot be started as declared, for now: a missing object or a wrong setting. */
export class ConfigError extends Error {
  override name = 'CreateContainerConfigError';
}

/** The environment of a container: what every Pod has, the image's, envFrom, then env. */
export async function containerEnvironment(
  pod: Pod,
  container: Container,
  imageEnv: Record<string, string>,
  address: string,
  objects: ReferredObjects,
): Promise<Record<string, string>> {
  const env: Record<string, string> = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOSTNAME: pod.spec.hostname ?? pod.metadata.name,
    HOME: '/',
    KUBERNETES_SERVICE_HOST: network.apiService,
    KUBERNETES_SERVICE_PORT: '443',
    KUBERNETES_SERVICE_PORT_HTTPS: '443',
    ...imageEnv,
  };
  const namespace = pod.metadata.namespace ?? '';
  for (const { prefix = '', secretRef, configMapRef } of container.envFrom ?? []) {
    const reference = secretRef ?? configMapRef;
    if (reference === undefined) continue;
    const values =
      secretRef === undefined
        ? (await objects.configMap(namespace, reference.name))?.data
        : decoded((await objects.secret(namespace, reference.name))?.data);
    if (values === undefined && reference.optional !== true) {
      throw new ConfigError(
        `${secretRef === undefined ? 'configmap' : 'secret'} "${reference.name}" not found`,
      );
    }
    for (const [key, value] of Object.entries(values ?? {})) env[prefix + key] = value;
  }
  for (const variable of container.env ?? []) {
    const value = await valueOf(variable, pod, address, objects);
    if (value !== undefined) env[variable.name] = expand(value, env);
  }
  return env;
}

function decoded(data: Record<string, string> | undefined): Record<string, string> | undefined {
  if (data === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
  );
}

async function valueOf(
  { value, valueFrom }: EnvVar,
  pod: Pod,
  address: string,
  objects: ReferredObjects,
): Promise<string | undefined> {
  if (valueFrom === undefined) return value ?? '';
  const namespace = pod.metadata.namespace ?? '';
  if (valueFrom.fieldRef !== undefined) return fieldOf(pod, valueFrom.fieldRef.fieldPath, address);
  const reference = valueFrom.secretKeyRef ?? valueFrom.configMapKeyRef;
  if (reference === undefined) return '0'; // resourceFieldRef: nothing limits a container here
  const isSecret = valueFrom.secretKeyRef !== undefined;
  const values = isSecret
    ? decoded((await objects.secret(namespace, reference.name))?.data)
    : (await objects.configMap(namespace, reference.name))?.data;
  const found = values?.[reference.key];
  if (found === undefined && reference.optional !== true) {
    const kind = isSecret ? 'secret' : 'configmap';
    throw new ConfigError(
      values === undefined
        ? `${kind} "${reference.name}" not found`
        : `no key "${reference.key}" in ${kind} "${reference.name}"`,
    );
  }
  return found;
}

/** Value of a field as env and downwardAPI volumes know it. */
export function fieldOf(pod: Pod, path: string, address: string): string {
  const keyed = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path);
  if (keyed !== null) return pod.metadata[keyed[1] as 'labels' | 'annotations']?.[keyed[2] ?? ''] ?? '';
  const lines = (map: Record<string, string> | undefined) =>
    Object.entries(map ?? {})
      .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
      .sort()
      .join('\n');
  const fields: Record<string, () => string> = {
    'metadata.name': () => pod.metadata.name,
    'metadata.namespace': () => pod.metadata.namespace ?? '',
    'metadata.uid': () => pod.metadata.uid ?? '',
    'metadata.labels': () => lines(pod.metadata.labels),
    'metadata.annotations': () => lines(pod.metadata.annotations),
    'spec.nodeName': () => pod.spec.nodeName ?? '',
    'spec.serviceAccountName': () => pod.spec.serviceAccountName ?? '',
    'status.podIP': () => address,
    'status.podIPs': () => address,
    'status.hostIP': () => network.gateway,
  };
  const field = fields[path];
  if (field === undefined) throw new ConfigError(`unsupported fieldPath "${path}"`);
  return field();
}

/** `$(NAME)` refers to a variable defined before; `$$(NAME)` is that text itself; unknown names stay as written. */
export function expand(text: string, env: Record<string, string>): string {
  return text.replace(/\$(\$|\(([^)]*)\))/g, (whole, rest: string, name: string | undefined) =>
    rest === '$' ? '$' : (env[name ?? ''] ?? whole),
  );
}
