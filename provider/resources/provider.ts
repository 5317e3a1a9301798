import { readFileSync } from 'node:fs';
import {
  at,
  warning,
  type Call,
  type Configured,
  type Diagnostic,
  type Log,
  type Provider,
  type ValueObject,
} from '../core/index.ts';
import {
  KubeClient,
  missingCluster,
  resolveConnection,
  withEnvironment,
  type Environment,
  type ProviderSettings,
  type SettingsError,
} from '../kube/index.ts';
import { resetPassword, rotatePassword } from './actions.ts';
import type { ClusterHandle } from './cluster-handle.ts';
import { kindDataSource } from './data-source.ts';
import { domainVerification } from './domain-verification.ts';
import { functions } from './functions.ts';
import { kindResource } from './kind-resource.ts';
import { kindBehaviours } from './kinds.ts';
import { kindListDataSource } from './list-data-source.ts';
import { kindListResource } from './list-resource.ts';
import { settingsFrom, unknownAttributes } from './block-settings.ts';
import { blockProblems, providerSchema } from './provider-block.ts';
import { kindSchemas } from './schema.generated.ts';
import { sendTest } from './send-test.ts';
import { smtpCredentials } from './smtp-credentials.ts';

/** The provider as core/ knows providers. */
export function createProvider(environment: Environment): Provider<ClusterHandle> {
  const named = kindBehaviours.map((behaviour) => [`migosmtp_${behaviour.kind}`, behaviour] as const);
  return {
    schema: providerSchema,
    resources: {
      ...Object.fromEntries(named.map(([type, behaviour]) => [type, kindResource(behaviour)])),
      migosmtp_domain_verification: domainVerification,
    },
    dataSources: Object.fromEntries(
      named.flatMap(([type, { kind }]) => [
        [type, kindDataSource(kindSchemas[kind])],
        [`${type}s`, kindListDataSource(kindSchemas[kind])],
      ]),
    ),
    ephemeralResources: { migosmtp_smtp_credentials: smtpCredentials },
    functions,
    listResources: Object.fromEntries(named.map(([type, behaviour]) => [type, kindListResource(behaviour)])),
    actions: {
      migosmtp_rotate_password: rotatePassword,
      migosmtp_reset_password: resetPassword,
      migosmtp_send_test: sendTest,
    },
    validate: (config) => blockProblems(config, environment),
    configure: (config, call) => Promise.resolve(configure(config, environment, call)),
  };
}

/** Connects on first use: most runs of the provider answer a schema or a plan and need no cluster. */
function configure(config: ValueObject, environment: Environment, { log }: Call): Configured<ClusterHandle> {
  const unknown = unknownAttributes(config);
  if (unknown.length > 0) return { client: { kind: 'unknown', attributes: unknown } };
  let connecting: Promise<KubeClient> | undefined;
  const settings = withEnvironment(settingsFrom(config), environment);
  const client = () => {
    connecting ??= connect(settings, environment, log).catch((cause: unknown) => {
      connecting = undefined;
      throw cause;
    });
    return connecting;
  };
  const missing = missingCluster(settings, environment, FILES);
  return { client: { kind: 'known', client }, ...(missing && { diagnostics: [notYet(missing)] }) };
}

/** Only a warning: the same apply may make the kubeconfig. Whoever needs the cluster looks again. */
function notYet({ attribute, message }: SettingsError): Diagnostic {
  const advice =
    'It is asked again when an object needs it; where no part of this run makes it, mend it first.';
  const path = attribute === undefined ? undefined : at(attribute);
  return warning('No cluster is found yet', `${message} ${advice}`, path);
}

const FILES = { read: readText };

async function connect(settings: ProviderSettings, environment: Environment, log: Log): Promise<KubeClient> {
  const connection = await resolveConnection(settings, environment, FILES);
  log('debug', 'cluster', { server: connection.server });
  return new KubeClient(connection, log);
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
