/** The pages that people read, and the blocks of code in them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

export interface Page {
  /** From the repository's root. */
  path: string;
  text: string;
}

export interface Block {
  path: string;
  text: string;
}

export function readPages(): Page[] {
  const folders = ['docs', 'examples'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true })
      .map((name) => join(folder, String(name)))
      .filter((path) => !/node_modules|cdktf\.out/.test(path)),
  );
  const others = ['README.md', 'CHANGELOG.md', 'provider/constructs/README.md', 'operator/runtime/README.md'];
  return [...others, ...folders]
    .filter((path) => path.endsWith('.md'))
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}

/** Fenced blocks of a language. */
export function blocksOf(pages: readonly Page[], language: string): Block[] {
  const fence = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms');
  return pages.flatMap(({ path, text }) =>
    [...text.matchAll(fence)].map(([, block]) => ({ path, text: block! })),
  );
}
