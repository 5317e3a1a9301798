/** What the operator asked of the API server, from the audit log. */
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { NAMESPACE } from '../../../operator/install/index.ts';
import type { Cluster } from '../../cluster/index.ts';

const OPERATOR = `system:serviceaccount:${NAMESPACE}:migosmtp-operator`;
const WRITES = ['create', 'update', 'patch', 'delete'];

export interface Requests {
  all: number;
  /** POST, PUT, PATCH and DELETE, Leases excepted. */
  writes: number;
  /** Writes by verb and resource. */
  kinds: Record<string, number>;
}

interface Entry {
  verb: string;
  stage: string;
  requestReceivedTimestamp: string;
  user: { username: string };
  objectRef?: { resource: string; subresource?: string };
}

/** Of the operator's identity between two moments, over the log and its rotated parts. */
export async function requestsBetween(cluster: Cluster, from: Date, to: Date): Promise<Requests> {
  const found: Requests = { all: 0, writes: 0, kinds: {} };
  const files = (await readdir(cluster.paths.logs)).filter((name) => /^audit.*\.jsonl$/.test(name));
  for (const file of files) {
    const lines = createInterface({ input: createReadStream(join(cluster.paths.logs, file)) });
    for await (const line of lines) {
      if (line.includes(OPERATOR)) count(found, line, from, to);
    }
  }
  return found;
}

function count(found: Requests, line: string, from: Date, to: Date): void {
  let entry: Entry;
  try {
    entry = JSON.parse(line) as Entry;
  } catch {
    return; // the line that is being written
  }
  const at = new Date(entry.requestReceivedTimestamp);
  if (entry.stage !== 'ResponseComplete' || entry.user.username !== OPERATOR || at < from || at > to) return;
  found.all++;
  const { resource = '', subresource } = entry.objectRef ?? {};
  if (!WRITES.includes(entry.verb) || resource === 'leases') return;
  found.writes++;
  const kind = `${entry.verb} ${resource}${subresource === undefined ? '' : `/${subresource}`}`;
  found.kinds[kind] = (found.kinds[kind] ?? 0) + 1;
}
