/** What an installation may choose, and names that its objects share. */
import { OPERATOR_LABELS, RELEASE } from '../options.ts';

export const NAMESPACE = 'migosmtp-system';
export const NAME = 'migosmtp-operator';
export const SELECTOR = OPERATOR_LABELS;
export const LABELS = { ...SELECTOR, 'app.kubernetes.io/part-of': 'migosmtp' };
export const HEALTH_PORT = 8080;
export const REPORTS_PORT = 8443;

export type Manifest = Record<string, unknown>;

/** Texts may be templates of Helm. */
export interface InstallSettings {
  namespace: string;
  image: string;
  relayImage: string;
  replicas: number | string;
  /** Empty: all. Beside the operator's own. */
  watchNamespaces: readonly string[];
  /** Further environment of the operator; options.ts tells what there is. */
  env: Record<string, string>;
}

export const DEFAULTS: InstallSettings = {
  namespace: NAMESPACE,
  image: `ghcr.io/migosmtp/operator:${RELEASE}`,
  relayImage: `ghcr.io/migosmtp/relay:${RELEASE}`,
  replicas: 2,
  watchNamespaces: [],
  env: {},
};

export function inNamespace({ namespace }: InstallSettings, name: string): Manifest {
  return { name, namespace, labels: LABELS };
}
