import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from '@jest/globals';
import type { AnyObject } from '../kube/index.ts';
import { compact } from './compact.ts';

const APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

const text = JSON.stringify({
  apiVersion: 'migosmtp.com/v1alpha1',
  kind: 'SmtpAccount',
  metadata: {
    annotations: { [APPLIED]: '{}', mine: 'stays' },
    creationTimestamp: '2026-01-01T00:00:00Z',
    managedFields: [{ manager: 'kubectl' }],
    name: 'a',
    namespace: 'a-workspace',
  },
  status: {
    conditions: ['Ready', 'PlanAccepted', 'RelaySynced', 'LoginVerified'].map((type) => ({
      lastTransitionTime: '2026-01-01T00:00:00Z',
      message: `what is said of ${type}, as long as such a message usually is`,
      reason: 'AsLongAsAReason',
      status: 'True',
      type,
    })),
  },
});
const received = (): AnyObject => JSON.parse(text) as AnyObject;

test('what is kept has no managedFields and no copy of what was applied, and all else', () => {
  const object = received();
  compact(object);
  const { metadata, ...rest } = received() as AnyObject & { metadata: { managedFields?: unknown } };
  delete metadata.managedFields;
  expect(object).toEqual({ ...rest, metadata: { ...metadata, annotations: { mine: 'stays' } } });
});

test('objects that say the same share their texts: they take less than half', () => {
  const count = 5_000;
  const plain = Array.from({ length: count }, received);
  const plainBytes = bytesUsed() - withoutThese(plain);
  const kept = Array.from({ length: count }, received);
  for (const object of kept) compact(object);
  expect(bytesUsed() - withoutThese(kept)).toBeLessThan(plainBytes / 2);
});

/** Lets go of them and tells what is used then. */
function withoutThese(objects: unknown[]): number {
  objects.length = 0;
  return bytesUsed();
}

function bytesUsed(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
