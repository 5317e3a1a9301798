/** Every link between pages leads to a file that is there, and to a heading in it. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { readPages, ROOT } from './pages.ts';

/** As GitHub makes anchors of headings. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .trim()
    .replaceAll(' ', '-');
function anchorsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading!));
  return [...headings, ...[...text.matchAll(/<a id="([^"]+)">/g)].map(([, id]) => id!)];
}

test.each(readPages().map(({ path, text }) => [path, text]))('links in %s', (path, text) => {
  const prose = text.replaceAll(/^```.*?^```/gms, '').replaceAll(/`[^`]*`/g, '');
  const broken = [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target!)
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => {
      const [file = '', anchor] = target.split('#');
      const full = file === '' ? join(ROOT, path) : join(ROOT, dirname(path), file);
      if (!existsSync(full)) return true;
      return anchor !== undefined && statSync(full).isFile() && !anchorsOf(full).includes(anchor);
    });
  expect(broken).toEqual([]);
});

test('every page but those of decisions and the provider can be reached from the README', () => {
  const pages = new Map(readPages().map(({ path, text }) => [path, text]));
  const reached = new Set<string>();
  const visit = (path: string): void => {
    if (reached.has(path)) return;
    reached.add(path);
    for (const [, target] of (pages.get(path) ?? '').matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      const file = join(dirname(path), target!);
      if (pages.has(file)) visit(file);
      else if (pages.has(join(file, 'README.md'))) visit(join(file, 'README.md'));
      else for (const page of pages.keys()) if (dirname(page) === file.replace(/\/$/, '')) visit(page);
    }
  };
  visit('README.md');
  const lost = [...pages.keys()].filter((path) => path.startsWith('docs/') && !reached.has(path));
  expect(lost.filter((path) => !/^docs\/(decisions|provider)\//.test(path))).toEqual([]);
});
