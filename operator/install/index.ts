/**
 * The installation, generated: `kubectl apply -f operator/chart/crds -f operator/chart/install.yaml`, from Kubernetes
 * 1.21 on with `-f operator/chart/disruption-budget.yaml`; or the Helm chart.
 *
 * Flow: permissions (one table of what the code calls) -> manifests (pure) -> install.yaml and the chart's templates.
 * Limits: CRDs are generated from operator/api and stand beside them.
 */
import { stringify } from 'yaml';
import { helmFiles } from './helm.ts';
import { disruptionBudget, manifests } from './manifests.ts';
import { DEFAULTS } from './settings.ts';

export * from './permissions.ts';
export { disruptionBudget, manifests } from './manifests.ts';
export { DEFAULTS, NAMESPACE, type InstallSettings } from './settings.ts';

const HEAD = '# Generated from operator/install; do not edit. Write it anew: node operator/install/main.ts\n';

export function installFile(): string {
  const documents = manifests().map((manifest) =>
    stringify(manifest, { aliasDuplicateObjects: false, lineWidth: 0 }),
  );
  return HEAD + documents.map((text) => `---\n${text}`).join('');
}

/** Every generated file by its path in operator/chart. */
export function chartFiles(): Record<string, string> {
  const budget = stringify(disruptionBudget(DEFAULTS, 'policy/v1'));
  return {
    'install.yaml': installFile(),
    'disruption-budget.yaml': `${HEAD}# From Kubernetes 1.21 on, beside install.yaml.\n${budget}`,
    ...helmFiles(HEAD),
  };
}
