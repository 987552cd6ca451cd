import { describe, expect, test } from 'vitest';
import { type Host, useStores } from '../support/host.js';

const SHAPES: [string, string | number | boolean | null | object][] = [
  ['an object', { title: 'x', year: 2024, open: true, none: null }],
  ['an empty object', {}],
  ['an array', [1, 'two', [3], { four: 4 }]],
  ['an empty array', []],
  ['a string', 'text'],
  ['an empty string', ''],
  ['a number', -12.5e-7],
  ['zero', 0],
  ['true', true],
  ['false', false],
  ['null', null],
  ['large and small numbers', [Number.MAX_VALUE, 5e-324, Number.MAX_SAFE_INTEGER, 0.1 + 0.2]],
  ['nested objects', { a: { b: { c: [{ d: 'e' }] } } }],
  ['32 levels', nested(32)],
  ['quotes, backslashes, control characters', { 'k"\\\n': '"]}\\"[{\u0000\u001f\u2028' }],
  ['other scripts and pairs of surrogates', { 鍵: '値 👍 ünï', '👍': 1 }],
  ['a lone surrogate', { text: 'a\ud800b', '\udc00': [] }],
  ['text that looks like the end of an array', '],['],
  ['64 KiB', 'x'.repeat(65_534)],
  ['64 KiB of two-byte characters', 'é'.repeat(32_767)],
];

function nested(levels: number): object {
  let value: object = [];
  for (let level = 1; level < levels; level++) {
    value = [value];
  }
  return value;
}

/** Metadata of any JSON shape comes back as it was given. */
export function metadataBehaviour(host: Host): void {
  describe('metadata', () => {
    const stores = useStores(host);

    test.each(SHAPES)('%s comes back from query, get and iterate', async (_name, metadata) => {
      const db = await stores.create();
      await db.insert('a', [1, 0, 0, 0], metadata);
      await db.insert('b', [0, 0, 0, 0]);
      expect(await db.get(['b', 'a'])).toEqual([{ id: 'b' }, { id: 'a', metadata }]);
      const hits = await db.query([1, 0, 0, 0], 2);
      expect(hits.map((hit) => [hit.id, hit.metadata, 'metadata' in hit])).toEqual([
        ['a', metadata, true],
        ['b', undefined, false],
      ]);
      const rows = [];
      for await (const row of db.iterate()) {
        rows.push(row);
      }
      expect(rows).toEqual([{ id: 'a', metadata }, { id: 'b' }]);
    });

    test('all shapes in one batch survive reopening', async () => {
      const db = await stores.create();
      const entries = SHAPES.map(([id, metadata], index) => ({ id, vector: [index, 0, 0, 0], metadata }));
      await db.ingestBatch(entries);
      await db.close();
      const again = await stores.open();
      const hits = await again.query([0, 0, 0, 0], 100);
      expect(hits.map((hit) => [hit.id, hit.metadata])).toEqual(SHAPES);
      expect((await again.get(SHAPES.map(([id]) => id))).map((row) => row.metadata)).toEqual(
        SHAPES.map(([, metadata]) => metadata),
      );
    });

    test('what JSON.stringify leaves out or writes otherwise is stored so', async () => {
      const db = await stores.create();
      const when = new Date(0);
      const metadata = { gone: undefined, call: () => 1, when, kept: 1, own: { toJSON: () => 'itself' } };
      await db.insert('a', [1, 0, 0, 0], metadata);
      expect((await db.get(['a']))[0]?.metadata).toEqual({
        when: '1970-01-01T00:00:00.000Z',
        kept: 1,
        own: 'itself',
      });
    });

    test('__proto__ and its kind are ordinary keys', async () => {
      const db = await stores.create();
      const text = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"toString":2}';
      await db.insert('__proto__', [1, 0, 0, 0], JSON.parse(text) as object);
      const [row] = await db.get(['__proto__']);
      const [hit] = await db.query([1, 0, 0, 0], 1);
      expect(JSON.stringify(row?.metadata)).toBe(text);
      expect(JSON.stringify(hit?.metadata)).toBe(text);
      expect(({} as { polluted?: number }).polluted).toBeUndefined();
      expect(Object.keys(Object.prototype)).toEqual([]);
    });

    test('includeMetadata false leaves it out', async () => {
      const db = await stores.create();
      await db.insert('a', [1, 0, 0, 0], { a: 1 });
      const [hit] = await db.query([1, 0, 0, 0], 1, { includeMetadata: false });
      expect(Object.keys(hit ?? {})).toEqual(['id', 'distance', 'score']);
    });
  });
}
