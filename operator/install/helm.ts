/** The same objects as a Helm chart: templates whose choices are values. CRDs in `crds/` stay when the chart goes. */
import { isDeepStrictEqual } from 'node:util';
import { stringify } from 'yaml';
import { RELEASE } from '../options.ts';
import { disruptionBudget, manifests } from './manifests.ts';
import { watchedBinding, watchedBindings } from './roles.ts';
import { DEFAULTS, type InstallSettings } from './settings.ts';

const TEMPLATED: InstallSettings = {
  namespace: '{{ .Release.Namespace }}',
  image: '{{ .Values.image }}',
  relayImage: '{{ .Values.relayImage }}',
  replicas: '{{ .Values.replicas }}',
  watchNamespaces: [],
  env: {
    WATCH_NAMESPACES: '{{ join "," .Values.watchNamespaces }}',
    DNS_SERVERS: '{{ join "," .Values.dnsServers }}',
    LOG_LEVEL: '{{ .Values.logLevel }}',
  },
};

/** Asked of the cluster that the chart is installed into. */
const BUDGET_VERSION =
  '{{ ternary "policy/v1" "policy/v1beta1" (.Capabilities.APIVersions.Has "policy/v1/PodDisruptionBudget") }}';

const VALUES = {
  image: DEFAULTS.image,
  relayImage: DEFAULTS.relayImage,
  replicas: DEFAULTS.replicas,
  watchNamespaces: [],
  dnsServers: [],
  logLevel: 'info',
};

const VALUES_HEAD = `# Values of the chart.
# watchNamespaces: empty for all; with names, the operator has rights in these and its own only.
# dnsServers: resolvers for domain checks; empty for the system's. One with a port other than 53 or 5353 needs a
# NetworkPolicy beside the chart's.
# docs/install.md has more.
`;

/** Files of the chart by their path in it. */
export function helmFiles(head: string): Record<string, string> {
  const chart = {
    apiVersion: 'v2',
    name: 'migosmtp',
    description: 'SMTP accounts for Kubernetes, declared as code',
    type: 'application',
    version: RELEASE,
    appVersion: RELEASE,
  };
  // The release's namespace is Helm's to make; which bindings there are is the cluster's to say.
  const everywhere = watchedBindings(TEMPLATED);
  const own = manifests(TEMPLATED).filter(
    (object) => object['kind'] !== 'Namespace' && !everywhere.some((each) => isDeepStrictEqual(each, object)),
  );
  const objects = [...own, disruptionBudget(TEMPLATED, BUDGET_VERSION)];
  return {
    'Chart.yaml': head + stringify(chart),
    'values.yaml': head + VALUES_HEAD + stringify(VALUES),
    'templates/operator.yaml': head + documents(objects) + bindings(),
  };
}

function documents(objects: readonly object[]): string {
  return objects.map((object) => `---\n${template(object)}`).join('');
}

/** Inside `range` a dot is the namespace, and `$` is what the dot was outside. */
function bindings(): string {
  const inEach = watchedBinding({ ...TEMPLATED, namespace: '{{ $.Release.Namespace }}' }, '{{ . }}');
  return [
    '{{- if .Values.watchNamespaces }}\n',
    '{{- range append .Values.watchNamespaces .Release.Namespace | uniq }}\n',
    documents([inEach]),
    '{{- end }}\n{{- else }}\n',
    documents(watchedBindings(TEMPLATED)),
    '{{- end }}\n',
  ].join('');
}

/** Numbers must not be quoted; texts must, as a value could be empty. */
function template(object: object): string {
  const text = stringify(object, { aliasDuplicateObjects: false, lineWidth: 0, defaultStringType: 'PLAIN' });
  return text.replaceAll(
    /'(\{\{[^']*\}\})'|"(\{\{(?:[^"\\]|\\.)*\}\})"/g,
    (_, single: string | undefined, double: string | undefined) => {
      const inner = single ?? double!.replaceAll('\\"', '"');
      return inner.includes('.replicas') ? inner : `{{ ${inner.slice(2, -2).trim()} | quote }}`;
    },
  );
}
