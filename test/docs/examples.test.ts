/** What pages tell people to write and to type: manifests that the API accepts, commands and files that exist. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { API_VERSION, KINDS, specProblems } from '../../operator/api/index.ts';
import { blocksOf, readPages, ROOT } from './pages.ts';

const pages = readPages();
const commands = blocksOf(pages, 'sh').map(({ path, text }) => ({
  path,
  text: text.replaceAll(/\\\n\s*/g, ' ').replaceAll(/(^|\s)#.*$/gm, ''),
}));

interface Manifest {
  apiVersion?: string;
  kind?: string;
  spec?: unknown;
}

describe('manifests', () => {
  const manifests = blocksOf(pages, 'yaml').flatMap(({ path, text }) =>
    parseAllDocuments(text).map((document) => ({
      path,
      document,
      object: document.toJS() as Manifest | null,
    })),
  );

  test('are YAML', () => {
    expect(manifests.length).toBeGreaterThan(0);
    for (const { path, document } of manifests) expect([path, document.errors]).toEqual([path, []]);
  });

  test('of our kinds are valid', () => {
    const own = manifests.filter(({ object }) => object?.apiVersion === API_VERSION);
    expect(own.length).toBeGreaterThan(0);
    for (const { path, object } of own) {
      const kind = KINDS.find((entry) => entry.kind === object?.kind);
      const where = `${path}: ${object?.kind}`;
      expect([where, kind === undefined ? 'unknown kind' : specProblems(kind, object?.spec)]).toEqual([
        where,
        [],
      ]);
      expect([where, unknownFields(kind!.spec.safeParse(object?.spec).data, object?.spec)]).toEqual([
        where,
        [],
      ]);
    }
  });
});

/** A schema drops fields that it does not know. */
function unknownFields(parsed: unknown, given: unknown, path = 'spec'): string[] {
  if (typeof given !== 'object' || given === null) return [];
  return Object.entries(given).flatMap(([name, value]) => {
    const known = (parsed as Record<string, unknown> | null | undefined)?.[name];
    const here = `${path}.${name}`;
    return known === undefined && value !== null ? [here] : unknownFields(known, value, here);
  });
}

describe('commands', () => {
  test('of make and npm exist', () => {
    const targets = [...readFileSync(join(ROOT, 'Makefile'), 'utf8').matchAll(/^([a-z-]+):/gm)].map(
      ([, name]) => name!,
    );
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
    const used = (pattern: RegExp): [string, string][] =>
      commands.flatMap(({ path, text }) =>
        [...text.matchAll(pattern)].map(([, name]): [string, string] => [path, name!]),
      );
    const make = used(/(?:^|[;&|] *)make ([a-z-]+)/gm);
    expect(make.length).toBeGreaterThan(0);
    expect(make.filter(([, name]) => !targets.includes(name))).toEqual([]);
    expect(used(/npm run (?:-s )?([a-z:-]+)/g).filter(([, name]) => !Object.hasOwn(scripts, name))).toEqual(
      [],
    );
  });

  test('name files of this repository that are there', () => {
    const files = commands.flatMap(({ path, text }) =>
      [...text.matchAll(/(?<![\w/.-])((?:operator|relay|provider|examples|docs|test)\/[\w./-]+)/g)].map(
        ([, file]): [string, string] => [path, file!.replace(/\.$/, '')],
      ),
    );
    expect(files.length).toBeGreaterThan(0);
    expect(files.filter(([, file]) => !existsSync(join(ROOT, file)))).toEqual([]);
  });

  test('ask kubectl for kinds that there are', () => {
    const own = KINDS.flatMap(({ plural, singular, shortNames }) => [plural, singular, ...shortNames]);
    const others =
      'configmap crd deploy deployment deployments deploy/migosmtp-operator events ingress namespace namespaces node nodes persistentvolumeclaims pods secret secrets service svc validatingwebhookconfigurations'.split(
        ' ',
      );
    const asked = commands.flatMap(({ path, text }) =>
      [
        ...text.matchAll(
          /kubectl(?: -n \S+)? (?:get|describe|wait|delete|annotate|patch|scale|explain) ([a-z][\w,./-]*)/g,
        ),
      ].flatMap(([, kinds]) =>
        kinds!.split(',').map((kind): [string, string] => [path, kind.split(/[/.]/)[0]!]),
      ),
    );
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.filter(([, kind]) => !own.includes(kind) && !others.includes(kind))).toEqual([]);
  });
});
