import type { ApiClient } from '../api-client.ts';
import { log, reason } from './log.ts';
import type { Service } from './types.ts';

/**
 * Gives a Service of type LoadBalancer its outside address: the cluster address with another second octet, so that
 * it is unique and stays the same. It exists in the cluster's own network only.
 */
export async function assignAddress(client: ApiClient, service: Service): Promise<void> {
  const own = service.spec.clusterIP ?? '';
  const isWaiting = (service.status?.loadBalancer?.ingress ?? []).length === 0;
  if (service.spec.type !== 'LoadBalancer' || !isWaiting || !own.startsWith('10.96.')) return;
  const { namespace, name } = service.metadata;
  const status = { loadBalancer: { ingress: [{ ip: own.replace('10.96.', '10.97.') }] } };
  await client
    .call(
      'PATCH',
      `/api/v1/namespaces/${namespace}/services/${name}/status`,
      { status },
      { patch: 'merge', allowed: [404] },
    )
    .catch((error: unknown) => log('no address for load balancer', { name, reason: reason(error) }));
}
