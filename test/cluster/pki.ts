import { generateKeyPairSync } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ApiAccess } from './api-client.ts';
import { network } from './state.ts';
import { makeCertificate } from './x509.ts';
import type { KeyPair } from './x509.ts';

/** Certificates and keys of one cluster; `file(name)` is the path of `<name>.crt` or `<name>.key`. */
export interface ClusterPki {
  authority: string;
  access(server: string, user: ClientName): ApiAccess;
  file(name: string): string;
}

/** admin: the kubeconfig's user; agent and controller-manager are the cluster's own parts. */
export type ClientName = 'admin' | 'node-agent' | 'controller-manager';

const clients: Record<ClientName, string> = {
  admin: 'kubernetes-admin',
  'node-agent': 'migosmtp:node-agent',
  'controller-manager': 'system:kube-controller-manager',
};

/** Makes an authority and all certificates of a cluster and writes them to a folder that only its owner can read. */
export async function makePki(folder: string): Promise<ClusterPki> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const commonName = 'migosmtp-test-cluster';
  const ca = { commonName, ...makeCertificate({ commonName }) };
  const pairs: Record<string, KeyPair> = { ca };
  for (const [name, user] of Object.entries(clients)) {
    pairs[name] = makeCertificate({ commonName: user, organizations: ['system:masters'], issuer: ca });
  }
  pairs['server'] = makeCertificate({
    commonName: 'kube-apiserver',
    dnsNames: [
      'localhost',
      'kubernetes',
      'kubernetes.default',
      'kubernetes.default.svc',
      'kubernetes.default.svc.cluster.local',
    ],
    addresses: ['127.0.0.1', network.apiService, network.gateway],
    issuer: ca,
  });
  pairs['etcd'] = makeCertificate({
    commonName: 'etcd',
    dnsNames: ['localhost'],
    addresses: ['127.0.0.1'],
    issuer: ca,
  });
  const file = (name: string) => join(folder, name);
  for (const [name, pair] of Object.entries(pairs)) {
    await writeFile(file(`${name}.crt`), pair.certificate, { mode: 0o600 });
    await writeFile(file(`${name}.key`), pair.key, { mode: 0o600 });
  }
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await writeFile(file('service-account.key'), privateKey.export({ type: 'pkcs1', format: 'pem' }), {
    mode: 0o600,
  });
  await writeFile(file('service-account.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
  return {
    authority: ca.certificate,
    file,
    access: (server, user) => {
      const pair = pairs[user];
      if (pair === undefined) throw new Error(`no certificate for ${user}`);
      return { server, authority: ca.certificate, certificate: pair.certificate, key: pair.key };
    },
  };
}

/** A kubeconfig with everything embedded. */
export function kubeconfig(access: ApiAccess, user: string): string {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  return `apiVersion: v1
kind: Config
current-context: migosmtp
contexts:
- name: migosmtp
  context: {cluster: migosmtp, user: ${user}, namespace: default}
clusters:
- name: migosmtp
  cluster:
    server: ${access.server}
    certificate-authority-data: ${base64(access.authority)}
users:
- name: ${user}
  user:
    client-certificate-data: ${base64(access.certificate)}
    client-key-data: ${base64(access.key)}
`;
}
