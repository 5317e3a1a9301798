/** What kstatus (Flux, kpt, `kubectl apply --wait`-alikes) makes of an object: its generic rules, in its order. Pure. */
import type { Condition } from '../../api/index.ts';

export type Kstatus = 'Terminating' | 'InProgress' | 'Failed' | 'Current';

interface Watched {
  metadata: { generation?: number; deletionTimestamp?: string };
  status?: { observedGeneration?: number | undefined; conditions?: readonly Condition[] | undefined };
}

export function kstatusOf({ metadata, status = {} }: Watched): Kstatus {
  if (metadata.deletionTimestamp !== undefined) return 'Terminating';
  if (status.observedGeneration !== undefined && status.observedGeneration !== metadata.generation)
    return 'InProgress';
  const is = (type: string): string | undefined =>
    status.conditions?.find((entry) => entry.type === type)?.status;
  if (is('Reconciling') === 'True') return 'InProgress';
  if (is('Stalled') === 'True') return 'Failed';
  const ready = is('Ready');
  return ready === undefined || ready === 'True' ? 'Current' : 'InProgress';
}
