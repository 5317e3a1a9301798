import { randomBytes } from 'node:crypto';
import {
  asText,
  type Action,
  type Attributes,
  type Call,
  type Diagnostic,
  type ValueObject,
} from '../core/index.ts';
import { awaitObject } from './await-object.ts';
import type { ClusterHandle } from './cluster-handle.ts';
import { address, DEFAULT_NAMESPACE, timeout as timeoutAttribute } from './common.ts';
import { testMessage } from './kinds.ts';
import { kindSchemas } from './schema.generated.ts';
import { withSession, type Session } from './session.ts';

const DEFAULT_TIMEOUT = '10m';
const CLEAN_UP_MS = 10_000;
const kind = kindSchemas.test_message;

/** One test mail, followed to its outcome; the TestMessage that stands for it goes when that is known. */
export const sendTest: Action<ClusterHandle> = {
  schema: {
    version: 0,
    description:
      "Sends one test mail through an SmtpAccount's own login and follows it: fails when it is not delivered.",
    attributes: attributes(),
  },
  async *invoke(cluster, config, call) {
    const name = `${asText(config['account']).slice(0, 200)}-test-${randomBytes(4).toString('hex')}`;
    yield `sending a test mail to ${asText(config['to'])}`;
    const told: { response?: string } = {};
    const diagnostics = await send(cluster, config, name, call, told);
    if (diagnostics.length === 0) yield `delivered: ${told.response ?? ''}`;
    yield diagnostics;
  },
};

function attributes(): Attributes {
  const { name, namespace } = address('SmtpAccount');
  const { to, from, subject } = kind.spec;
  return {
    account: {
      type: 'string',
      required: true,
      ...(name?.check && { check: name.check }),
      description: 'Name of the SmtpAccount that sends.',
    },
    namespace: {
      type: 'string',
      optional: true,
      ...(namespace?.check && { check: namespace.check }),
      description: `Its namespace. Default: \`${DEFAULT_NAMESPACE}\`.`,
    },
    to: { type: 'string', required: true, ...text(to) },
    from: { type: 'string', optional: true, ...text(from) },
    subject: { type: 'string', optional: true, ...text(subject) },
    timeout: timeoutAttribute('the action', DEFAULT_TIMEOUT),
  };
}

function text(field: (typeof kind.spec)[string] | undefined) {
  return {
    ...(field?.description !== undefined && { description: field.description }),
    ...(field?.check && { check: field.check }),
  };
}

async function send(
  cluster: ClusterHandle,
  config: ValueObject,
  name: string,
  call: Call,
  told: { response?: string },
): Promise<readonly Diagnostic[]> {
  const value = { name, namespace: config['namespace'] ?? DEFAULT_NAMESPACE };
  const timeout = asText(config['timeout']) || DEFAULT_TIMEOUT;
  const request = { cluster, schema: kind, value, call, action: 'send', timeout };
  const { diagnostics = [] } = await withSession(request, async (session) => {
    const start = await session.client.apply(
      session.path,
      message(session, config),
      { force: false },
      session.signal,
    );
    try {
      const wait = { ...testMessage, start, declared: config, isNew: false };
      const { last, problem } = await awaitObject(session, wait);
      told.response = asText((last?.status?.['response'] ?? '') as string);
      return problem ? { diagnostics: [problem] } : {};
    } finally {
      await remove(session, start.metadata.uid);
    }
  });
  return diagnostics;
}

function message({ path }: Session, { account, to, from, subject }: ValueObject): object {
  const { name, namespace } = path;
  return {
    apiVersion: kind.apiVersion,
    kind: kind.kind,
    metadata: { name, namespace },
    spec: {
      accountRef: { name: account },
      to,
      ...(typeof from === 'string' && { from }),
      ...(typeof subject === 'string' && { subject }),
    },
  };
}

/** Also after a cancellation; what cannot be removed now does no harm, and bears the account's name. */
async function remove({ client, path }: Session, uid: string | undefined): Promise<void> {
  if (uid === undefined) return;
  await client.delete(path, uid, AbortSignal.timeout(CLEAN_UP_MS)).catch(() => undefined);
}
