import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const ROOT_FOLDERS = /^(crates|src-ts|npm|__test__|bench|examples|fuzz|scripts|docs)\//;

const documents = ['.', 'docs', 'examples/data', 'npm/rvf-node'].flatMap((folder) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name)),
);
const read = (document: string): string => readFileSync(join(ROOT, document), 'utf8');

/** Where links may lead inside a document: its headings, as GitHub names them, and anchors of its own. */
function anchorsOf(document: string): Set<string> {
  const text = read(document).replaceAll(/^```[\s\S]*?^```/gm, '');
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
  const ids = [...text.matchAll(/<a id="([^"]+)">/g)].map(([, id = '']) => id);
  return new Set([...headings, ...ids]);
}

describe('links between documents', () => {
  test.each(documents)('of %s lead somewhere', (document) => {
    const links = [...read(document).matchAll(/\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)/g)];
    const broken = links.filter(([, path = '', anchor]) => {
      const target = path === '' ? document : join(dirname(document), path);
      const isThere = existsSync(join(ROOT, target));
      return !isThere || (anchor !== undefined && !anchorsOf(target).has(anchor));
    });
    expect(broken.map(([link]) => link)).toEqual([]);
  });
});

describe('ARCHITECTURE.md', () => {
  test('names only places that exist', () => {
    const names = [...read('ARCHITECTURE.md').matchAll(/`([\w./@-]+)`/g)].map(([, name = '']) => name);
    const places = names.filter((name) => ROOT_FOLDERS.test(name) || /^[\w/]+\/$|\.(rs|ts)$/.test(name));
    const roots = ['', 'crates/', 'crates/rvf-runtime/src/', ...sourceFolders()];
    const lost = places.filter((name) => !roots.some((root) => existsSync(join(ROOT, root, name))));
    expect(places.length).toBeGreaterThan(40);
    expect(lost).toEqual([]);
  });
});

/** Where a table of ARCHITECTURE.md may mean a file of which it gives only the name. */
function sourceFolders(): string[] {
  const crates = readdirSync(join(ROOT, 'crates')).map((name) => `crates/${name}/src/`);
  return [...crates, 'src-ts/', '__test__/'];
}
