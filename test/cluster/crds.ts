import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseAllDocuments } from 'yaml';
import type { ApiClient, KubeObject } from './api-client.ts';

const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

interface Crd extends KubeObject {
  status?: { conditions?: { type: string; status: string }[] };
}

/**
 * Installs every CustomResourceDefinition found in a folder's YAML files and waits until each is served. Written
 * by create and update, not by apply: releases that do not know a field (1.20 and `x-kubernetes-validations`)
 * then drop it, where apply would refuse the object.
 * @returns their names; none when the folder does not exist
 */
export async function installCrds(client: ApiClient, folder: string): Promise<string[]> {
  const files = (await readdir(folder).catch(() => [])).filter((name) => /\.ya?ml$/.test(name)).sort();
  const crds: Crd[] = [];
  for (const file of files) {
    for (const document of parseAllDocuments(await readFile(join(folder, file), 'utf8'))) {
      const object = document.toJS() as Crd | null;
      if (object?.kind === 'CustomResourceDefinition') crds.push(object);
    }
  }
  await Promise.all(crds.map((crd) => write(client, crd)));
  await Promise.all(crds.map((crd) => established(client, crd.metadata.name)));
  return crds.map((crd) => crd.metadata.name);
}

async function write(client: ApiClient, crd: Crd): Promise<void> {
  const created = await client.call('POST', path, crd, { allowed: [409] });
  if (created !== undefined) return;
  const present = await client.get<Crd>(`${path}/${crd.metadata.name}`);
  const resourceVersion = present.metadata.resourceVersion ?? '';
  await client.call('PUT', `${path}/${crd.metadata.name}`, {
    ...crd,
    metadata: { ...crd.metadata, resourceVersion },
  });
}

async function established(client: ApiClient, name: string): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline) {
    const crd = await client.get<Crd>(`${path}/${name}`);
    const conditions = crd.status?.conditions ?? [];
    if (conditions.some((c) => c.type === 'Established' && c.status === 'True')) return;
    const refused = conditions.find((c) => c.type === 'NamesAccepted' && c.status === 'False');
    if (refused !== undefined) throw new Error(`the names of CRD ${name} were not accepted`);
    await delay(30);
  }
  throw new Error(`CRD ${name} was not established in 30 s`);
}
