/** PostgreSQL in the cluster's network, and what an SmtpRelay says to use it from two pods. */
import { NAMESPACE } from '../../../operator/install/index.ts';
import type { Cluster } from '../../cluster/index.ts';
import { apply } from '../../integration/operator/support/installation.ts';

export interface SharedStore {
  spec: Record<string, unknown>;
  stop: () => Promise<void>;
}

export function sharedStore(_cluster: Cluster): Promise<SharedStore> {
  void apply;
  void NAMESPACE;
  return Promise.reject(new Error('two pods need PostgreSQL, which this benchmark cannot start yet'));
}
