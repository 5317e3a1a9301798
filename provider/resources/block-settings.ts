import { asText, isList, isObject, isUnknown, type Value, type ValueObject } from '../core/index.ts';
import type { ExecSettings, Impersonation, ProviderSettings } from '../kube/index.ts';

/** Attributes whose values only apply will know. */
export function unknownAttributes(config: ValueObject): string[] {
  return Object.entries(config).flatMap(([name, value]) => (holdsUnknown(value) ? [name] : []));
}

export function settingsFrom(config: ValueObject): ProviderSettings {
  const stated: Record<string, unknown> = {
    host: config['host'],
    token: config['token'],
    insecure: config['insecure'],
    tlsServerName: config['tls_server_name'],
    clientCertificate: config['client_certificate'],
    clientKey: config['client_key'],
    clusterCaCertificate: config['cluster_ca_certificate'],
    configPath: config['config_path'],
    configPaths: config['config_paths'],
    configContext: config['config_context'],
    configContextCluster: config['config_context_cluster'],
    configContextAuthInfo: config['config_context_auth_info'],
    proxyUrl: config['proxy_url'],
    exec: execSettings(config['exec'] ?? null),
    impersonate: impersonation(config['impersonate'] ?? null),
  };
  return Object.fromEntries(
    Object.entries(stated).filter(([, value]) => value !== null && value !== undefined && value !== ''),
  );
}

function impersonation(value: Value): Impersonation | null {
  if (!isObject(value)) return null;
  const { user, uid = null, groups = null, extra = null } = value;
  const texts = (list: Value) => (isList(list) ? list.map(asText) : []);
  return {
    user: asText(user),
    ...(typeof uid === 'string' && { uid }),
    ...(isList(groups) && { groups: texts(groups) }),
    ...(isObject(extra) && {
      extra: Object.fromEntries(Object.entries(extra).map(([name, list]) => [name, texts(list)])),
    }),
  };
}

function execSettings(value: Value): ExecSettings | null {
  if (!isObject(value)) return null;
  const { api_version: apiVersion, command, args = null, env = null } = value;
  return {
    apiVersion: asText(apiVersion),
    command: asText(command),
    args: isList(args) ? args.map(asText) : [],
    env: isObject(env)
      ? Object.fromEntries(Object.entries(env).map(([name, item]) => [name, asText(item)]))
      : {},
  };
}

function holdsUnknown(value: Value): boolean {
  if (isUnknown(value)) return true;
  if (isList(value)) return value.some(holdsUnknown);
  return isObject(value) && Object.values(value).some(holdsUnknown);
}
