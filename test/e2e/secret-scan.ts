/**
 * Looks for passwords where none may be: Terraform's files, logs of every process, events and all objects but
 * credentials and shard Secrets. Each place names a control, a harmless text that must be there; and the search is
 * tried on each place with a password planted in it. A place without its control, or a plant not found, fails the scan.
 */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster } from '../cluster/index.ts';

export interface Place {
  name: string;
  text: string;
  /** Text that is certain to be there, when this place was really read. */
  control?: string;
}

export interface Finding {
  place: string;
  /** Which password of the run (by number) and how it was written; never the password. */
  what: string;
}

/** How one password may be written: plain, URL-encoded, base64 (and base64url) in its three alignments. */
export function writtenForms(password: string): { form: string; text: string }[] {
  const forms = [
    { form: 'plain', text: password },
    { form: 'URL-encoded', text: encodeURIComponent(password) },
    ...[0, 1, 2].map((offset) => ({
      form: `base64 at offset ${offset}`,
      text: alignedBase64(password, offset),
    })),
  ];
  return forms.filter((form, index) => forms.findIndex((other) => other.text === form.text) === index);
}

/** The characters that the password contributes wherever it stands `offset` bytes (mod 3) into what is encoded. */
function alignedBase64(password: string, offset: number): string {
  const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(password)]);
  const first = Math.ceil((offset * 8) / 6);
  const last = Math.floor((bytes.length * 8) / 6);
  return bytes.toString('base64').slice(first, last);
}

/** Every password of the run that stands in a place. */
export function findSecrets(places: Place[], passwords: string[]): Finding[] {
  const needles = passwords.flatMap((password, index) =>
    writtenForms(password).map((form) => ({ ...form, index })),
  );
  return places.flatMap((place) =>
    needles
      .filter((needle) => place.text.includes(needle.text))
      .map((needle) => ({ place: place.name, what: `password ${needle.index + 1}, ${needle.form}` })),
  );
}

/** What is wrong with the scan itself: places that were not really read, or plants that were not found. */
export function scanFaults(places: Place[], plant: string): string[] {
  const faults: string[] = [];
  for (const place of places) {
    if (place.control !== undefined && !place.text.includes(place.control)) {
      faults.push(`${place.name}: the control "${place.control}" is not in it, so it was not really read`);
    }
    for (const { form, text } of writtenForms(plant)) {
      const planted = { ...place, text: `${place.text.slice(0, 100)}${text}${place.text.slice(100)}` };
      if (findSecrets([planted], [plant]).length === 0)
        faults.push(`${place.name}: a planted ${form} value was not found`);
    }
  }
  return faults;
}

/** Files of a folder tree as places; names are relative. Binary files are read byte by byte (latin1). */
export function filePlaces(folder: string, label: string, control?: string): Place[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => join(folder, file))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile())
    .map((file) => ({
      name: `${label} ${file.slice(folder.length + 1)}`,
      text: readFileSync(file, 'latin1'),
      ...(control !== undefined && { control }),
    }));
}

interface ResourceList {
  resources: { name: string; namespaced: boolean; verbs: string[] }[];
}
interface ObjectList {
  items?: { metadata: { name: string; namespace?: string }; type?: string }[];
}

/** Every object that the API server lists, each a place with status and managedFields, but for those that carry credentials. */
export async function objectPlaces(cluster: Cluster): Promise<Place[]> {
  const places: Place[] = [];
  for (const group of await groupVersions(cluster)) {
    const list = await cluster.api.get<ResourceList>(group);
    for (const resource of list.resources.filter(
      (entry) => !entry.name.includes('/') && entry.verbs.includes('list'),
    )) {
      const objects = await cluster.api.get<ObjectList>(`${group}/${resource.name}`);
      for (const object of objects.items ?? []) {
        if (resource.name === 'secrets' && carriesCredentials(object)) continue;
        const { namespace, name } = object.metadata;
        places.push({
          name: `${resource.name} ${namespace ?? ''}/${name}`,
          text: JSON.stringify(object),
          control: name,
        });
      }
    }
  }
  return places;
}

function carriesCredentials(secret: { metadata: { name: string }; type?: string }): boolean {
  return secret.type === 'servicebinding.io/smtp' || /-config-[0-9]+$/.test(secret.metadata.name);
}

async function groupVersions(cluster: Cluster): Promise<string[]> {
  const groups = await cluster.api.get<{ groups: { preferredVersion: { groupVersion: string } }[] }>('/apis');
  return ['/api/v1', ...groups.groups.map((group) => `/apis/${group.preferredVersion.groupVersion}`)];
}
