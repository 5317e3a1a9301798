import type { ApiClient } from '../api-client.ts';
import { log, reason } from './log.ts';
import { now } from './pod-status.ts';

/** The only node of a cluster. */
export const nodeName = 'local';

const path = `/api/v1/nodes/${nodeName}`;

/** Registers the node and keeps its heartbeat: the Lease, and the Ready condition now and then. */
export async function keepNode(client: ApiClient, kubeletVersion: string, logsPort: number): Promise<void> {
  const labels = {
    'kubernetes.io/hostname': nodeName,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': process.arch === 'x64' ? 'amd64' : process.arch,
  };
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: nodeName, labels }, spec: {} };
  await client.call('POST', '/api/v1/nodes', node, { allowed: [409] });
  await reportStatus(client, kubeletVersion, logsPort);
  await renewLease(client);
  setInterval(() => quietly(renewLease(client)), 10_000);
  setInterval(() => quietly(reportStatus(client, kubeletVersion, logsPort)), 60_000);
}

function quietly(work: Promise<void>): void {
  work.catch((error: unknown) => log('heartbeat failed', { reason: reason(error) }));
}

async function reportStatus(client: ApiClient, kubeletVersion: string, logsPort: number): Promise<void> {
  const resources = { cpu: '64', memory: '64Gi', pods: '500', 'ephemeral-storage': '64Gi' };
  const lastHeartbeatTime = now();
  const fine = { status: 'False', lastHeartbeatTime, lastTransitionTime: lastHeartbeatTime };
  const status = {
    capacity: resources,
    allocatable: resources,
    conditions: [
      { ...fine, type: 'MemoryPressure', reason: 'KubeletHasSufficientMemory' },
      { ...fine, type: 'DiskPressure', reason: 'KubeletHasNoDiskPressure' },
      { ...fine, type: 'PIDPressure', reason: 'KubeletHasSufficientPID' },
      { ...fine, type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'node agent is running' },
    ],
    // No Hostname: the API server would ask a name server for it before it reads a Pod's logs.
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    daemonEndpoints: { kubeletEndpoint: { Port: logsPort } },
    nodeInfo: {
      machineID: '',
      systemUUID: '',
      bootID: '',
      kernelVersion: '',
      osImage: 'Debian',
      containerRuntimeVersion: 'local://1',
      kubeletVersion: `v${kubeletVersion}`,
      kubeProxyVersion: `v${kubeletVersion}`,
      operatingSystem: 'linux',
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    },
  };
  await client.call('PATCH', `${path}/status`, { status }, { patch: 'strategic' });
}

async function renewLease(client: ApiClient): Promise<void> {
  const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
  const renewTime = new Date().toISOString().replace('Z', '000Z');
  const spec = { holderIdentity: nodeName, leaseDurationSeconds: 40, renewTime };
  const renewed = await client.call(
    'PATCH',
    `${leases}/${nodeName}`,
    { spec },
    { patch: 'merge', allowed: [404] },
  );
  if (renewed !== undefined) return;
  const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: nodeName }, spec };
  await client.call('POST', leases, lease, { allowed: [404, 409] });
}
