import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/** What stands for a container image: the machine's file system plus what is listed here. */
export interface Image {
  /** Entry point; a container's `command` replaces it, its `args` follow it. */
  command?: string[];
  mounts?: { hostPath: string; mountPath: string; readOnly?: boolean }[];
  env?: Record<string, string>;
  /** The image's USER; a container's securityContext goes before it. Default 0. */
  user?: number;
  group?: number;
  /** Debian packages that appear in the container's file system, such as `python3`. */
  packages?: string[];
}

/** Images by name. A name without a tag stands for all its tags; `name:prefix*` for the tags with that prefix. */
export type ImageMap = Record<string, Image>;

/** The repository that this file is in. */
export const repository = resolve(import.meta.dirname, '../..');

/** The product's own images, run from the source tree at /app, and the ones that examples use. */
export function defaultImages(): ImageMap {
  const python: Image = existsSync('/usr/bin/python3') ? {} : { packages: ['python3'] };
  return {
    'ghcr.io/migosmtp/operator': product('operator/main.ts'),
    'ghcr.io/migosmtp/relay': product('relay/main.ts'),
    'docker.io/library/python': python,
    python,
  };
}

function product(entry: string): Image {
  const mounts = [{ hostPath: repository, mountPath: '/app', readOnly: true }];
  const node = '/app/node_modules/node/bin/node';
  const env = { NODE_ENV: 'production' };
  return { command: [node, `/app/${entry}`], mounts, env, user: 65532, group: 65532 };
}

/** Finds what stands for an image reference; undefined when the map does not know it. */
export function findImage(map: ImageMap, reference: string): Image | undefined {
  const [untagged = ''] = reference.split('@');
  const slash = untagged.lastIndexOf('/');
  const colon = untagged.indexOf(':', slash + 1);
  const name = colon < 0 ? untagged : untagged.slice(0, colon);
  const pattern = Object.keys(map).find((key) => key.endsWith('*') && untagged.startsWith(key.slice(0, -1)));
  return map[reference] ?? map[untagged] ?? map[name] ?? (pattern === undefined ? undefined : map[pattern]);
}
