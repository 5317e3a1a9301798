/**
 * The Kubernetes API as the provider needs it: settings of the provider block, one connection, a few calls, waits.
 * Flow: settings.ts finds cluster and credentials, transport.ts connects (HTTP/2, else 1.1), requests.ts
 * sends and sends again, client.ts words the calls.
 * Limits: built on Node's own modules, because start-up time counts; knows no kind of the product. No message holds what was sent, received or configured as a secret.
 */
export { KubeClient } from './client.ts';
export type { ExecSettings } from './exec.ts';
export { ApiError, ConnectionError, SettingsError } from './failure.ts';
export * from './objects.ts';
export { FIELD_MANAGER } from './requests.ts';
export {
  missingCluster,
  resolveConnection,
  TOKEN_PATTERN,
  withEnvironment,
  type Environment,
  type Impersonation,
  type ProviderSettings,
} from './settings.ts';
export { follow } from './wait.ts';
