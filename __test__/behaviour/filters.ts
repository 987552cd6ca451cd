import { allOf, anyOf, fromMongo, not, type RvfDatabase, type RvfFilterExpr, where } from '@ruvector/rvf';
import { describe, expect, test } from 'vitest';
import { collect, idsOf, idsOfPages } from '../support/contents.js';
import { expectFailure, expectRejection, thrown } from '../support/failures.js';
import { type Host, useStores } from '../support/host.js';
import { matches } from '../support/plain-filter.js';

const SECTIONS = ['games', 'news', 'shop'];
const TAGS = ['new', 'hot', 'old'];
/** Every tenth has no metadata. */
const ENTRIES = Array.from({ length: 250 }, (_, index) => ({
  id: `id ${index}`,
  vector: [index, 0, 0, 0],
  metadata:
    index % 10 === 7
      ? undefined
      : {
          index,
          section: SECTIONS[index % 3],
          open: index % 2 === 0,
          tags: TAGS.slice(index % 4),
          ...(index % 5 === 0 ? { maybe: index % 20 === 0 ? null : 'there' } : {}),
        },
}));
const EVERYTHING: RvfFilterExpr = { op: 'and', exprs: [] };
const LATE: RvfFilterExpr = { op: 'ge', field: 'index', value: 240 };

const FILTERS: [string, RvfFilterExpr][] = [
  ['eq', { op: 'eq', field: 'section', value: 'games' }],
  ['eq null', { op: 'eq', field: 'maybe', value: null }],
  ['ne', { op: 'ne', field: 'section', value: 'games' }],
  ['lt', { op: 'lt', field: 'index', value: 10.5 }],
  ['le of strings', { op: 'le', field: 'section', value: 'news' }],
  ['gt', { op: 'gt', field: 'index', value: 200 }],
  ['ge', LATE],
  ['in', { op: 'in', field: 'index', values: [3, 7, 500, '4'] }],
  ['in of nothing', { op: 'in', field: 'index', values: [] }],
  ['nin', { op: 'nin', field: 'section', values: ['games', 'news'] }],
  ['range', { op: 'range', field: 'index', low: 20, high: 40 }],
  ['startsWith', { op: 'startsWith', field: 'section', value: 'ne' }],
  ['contains', { op: 'contains', field: 'tags', value: 'old' }],
  ['containsAny', { op: 'containsAny', field: 'tags', values: ['new', 'no such'] }],
  ['containsAll', { op: 'containsAll', field: 'tags', values: ['hot', 'old'] }],
  ['exists', { op: 'exists', field: 'maybe' }],
  ['not', { op: 'not', expr: { op: 'exists', field: 'index' } }],
  ['an empty and', EVERYTHING],
  ['an empty or', { op: 'or', exprs: [] }],
  [
    'a builder',
    anyOf(allOf(where('open').is(true), where('index').below(50)), not(where('tags').has('old'))),
  ],
  ['a filter of MongoDB', fromMongo({ section: 'shop', index: { $gte: 10, $lt: 100 }, maybe: null })],
];

function fitting(filter: RvfFilterExpr): string[] {
  return ENTRIES.filter(({ metadata }) => matches(filter, metadata)).map(({ id }) => id);
}

/** Reading by filter. */
export function filtersBehaviour(host: Host): void {
  describe('filters', () => {
    const stores = useStores(host);

    async function filled(): Promise<RvfDatabase> {
      const db = await stores.create();
      await db.ingestBatch(ENTRIES);
      return db;
    }

    test.each(FILTERS)('%s: every call finds what the definition says', async (_name, filter) => {
      const db = await filled();
      const expected = fitting(filter);
      expect(await db.count(filter)).toBe(expected.length);
      expect(idsOf(await db.queryByFilter(filter))).toEqual(expected);
      expect(await idsOfPages(db, { filter, limit: 33 })).toEqual(expected);
      expect(idsOf(await collect(db.iterate({ filter, batchSize: 9 })))).toEqual(expected);
      const all = { k: 100_000, query: [0, 0, 0, 0] };
      expect(idsOf(await db.query(all.query, all.k, { filter }))).toEqual(expected);
      expect(idsOf(db.querySync(all.query, all.k, { filter }))).toEqual(expected);
      expect((await db.queryBatch([all.query], all.k, { filter })).map(idsOf)).toEqual([expected]);
      expect(await db.count()).toBe(ENTRIES.length);
    });

    test('a query finds the nearest of those that fit, however far they are', async () => {
      const db = await filled();
      const nearest = await db.query([0, 0, 0, 0], 3, { filter: LATE, includeVectors: true });
      expect(nearest).toMatchObject([
        { id: 'id 240', distance: 240 ** 2, metadata: { index: 240 }, vector: Float32Array.of(240, 0, 0, 0) },
        { id: 'id 241' },
        { id: 'id 242' },
      ]);
      const bounded = { filter: LATE, maxDistance: 241 ** 2 };
      expect(idsOf(await db.query([0, 0, 0, 0], 3, bounded))).toEqual(['id 240', 'id 241']);
      const batch = await db.queryBatch([Float32Array.of(249, 0, 0, 0), [0, 0, 0, 0]], 1, { filter: LATE });
      expect(batch.map(idsOf)).toEqual([['id 249'], ['id 240']]);
    });

    test('rows have metadata, and vectors where asked for', async () => {
      const db = await filled();
      const filter: RvfFilterExpr = { op: 'in', field: 'index', values: [3, 4] };
      const plain = ENTRIES.slice(3, 5).map(({ id, metadata }) => ({ id, metadata }));
      expect(await db.queryByFilter(filter)).toEqual(plain);
      expect(await db.list({ filter })).toEqual({ rows: plain });
      const vectors = [Float32Array.of(3, 0, 0, 0), Float32Array.of(4, 0, 0, 0)];
      const { rows } = await db.list({ filter, includeVectors: true });
      expect(rows.map((row) => row.vector)).toEqual(vectors);
      expect(await db.queryByFilter(filter, { includeVectors: true })).toEqual(rows);
      const [bare] = await db.queryByFilter({ op: 'not', expr: { op: 'exists', field: 'index' } });
      expect(bare).toEqual({ id: 'id 7' });
    });

    test.each([undefined, 1, 99, 250, 100_000])('pages of %s rows have everything once', async (limit) => {
      const db = await filled();
      const first = await db.list({ limit });
      expect(first.rows).toHaveLength(Math.min(limit ?? 100, 250));
      expect(first.cursor === undefined).toBe((limit ?? 100) >= 250);
      expect(await idsOfPages(db, { limit })).toEqual(ENTRIES.map(({ id }) => id));
    });

    test('pages go on behind the last row, whatever is written between them', async () => {
      const db = await filled();
      const filter: RvfFilterExpr = { op: 'eq', field: 'open', value: true };
      const first = await db.list({ filter, limit: 5 });
      const seen = idsOf(first.rows);
      expect(seen).toEqual(['id 0', 'id 2', 'id 4', 'id 6', 'id 8']);
      await db.delete(['id 2', 'id 8', 'id 10']);
      await db.insert('id 4', [4, 0, 0, 0], { open: true });
      await db.insert('late', [0, 0, 0, 0], { open: true });
      await db.updateMetadata(['id 14'], { open: false });
      await db.updateMetadata(['id 15', 'id 1'], { open: true });
      const rest = await idsOfPages(db, { filter, limit: 7, cursor: first.cursor });
      const expected = fitting(filter).filter((id) => ![...seen, 'id 10', 'id 14'].includes(id));
      expected.splice(expected.indexOf('id 16'), 0, 'id 15');
      expect(rest).toEqual([...expected, 'id 4', 'late']);
    });

    test('queryByFilter answers the first of many only where that was asked for', async () => {
      const db = await stores.create({ dimensions: 1 });
      const entries = Array.from({ length: 100_001 }, (_, index) => ({ id: `${index}`, vector: [index] }));
      await db.ingestBatch(entries);
      expect(idsOf(await db.queryByFilter(EVERYTHING, { limit: 3 }))).toEqual(['0', '1', '2']);
      expect(await db.queryByFilter(EVERYTHING, { limit: 100_000 })).toHaveLength(100_000);
      await expectRejection(db.queryByFilter(EVERYTHING), 'InvalidInput', '100000', 'list(');
      await db.delete(['5']);
      expect(await db.queryByFilter(EVERYTHING)).toHaveLength(100_000);
      // Leaves closing no rows to bring into the graph.
      await db.deleteByFilter(EVERYTHING);
    });

    test('iterate goes over the entries that fitted when it was called', async () => {
      const db = await filled();
      const rows = db.iterate({ filter: LATE, batchSize: 2 });
      await db.deleteByFilter(LATE);
      await db.updateMetadata(['id 1'], { index: 999 });
      expect(idsOf(await collect(rows))).toEqual(fitting(LATE));
      expect(idsOf(await collect(db.iterate({ filter: LATE })))).toEqual(['id 1']);
    });

    test('where builds filters for the database', async () => {
      const db = await filled();
      const filter = db.where('section').is('news').and('index').below(20);
      expect(await db.count(filter)).toBe(fitting(filter).length);
      expect(filter).toEqual(where('section').is('news').and('index').below(20));
    });

    test.each(FILTERS)('%s: explain counts what fits', async (_name, filter) => {
      const db = await filled();
      const plan = await db.explain(filter);
      const matched = fitting(filter).length;
      expect(plan).toMatchObject({ rows: 250, matched, selectivity: matched / 250 });
      expect(plan.estimated).toBeGreaterThanOrEqual(0);
      expect(plan.estimated).toBeLessThanOrEqual(1);
      expect(plan.indexedRows + plan.unindexedRows).toBe(250);
      expect(plan.checkedRows).toBeLessThanOrEqual(250);
      for (const { path, low, high } of plan.conditions) {
        expect(path).toMatch(/^filter(\.expr|\.exprs\[\d+\])*$/);
        expect(low).toBeLessThanOrEqual(high);
      }
      if (plan.conditions[0]?.path === 'filter') {
        expect(plan.conditions[0].low).toBeLessThanOrEqual(matched);
        expect(plan.conditions[0].high).toBeGreaterThanOrEqual(matched);
      }
    });

    test('the plan of a query comes beside its hits', async () => {
      const db = await filled();
      const plain = await db.query([0, 0, 0, 0], 5, { filter: LATE });
      const hits = await db.query([0, 0, 0, 0], 5, { filter: LATE, explain: true });
      expect(hits).toEqual(plain);
      expect(Object.keys(hits)).toEqual(Object.keys(plain));
      expect(plain.plan).toBeUndefined();
      expect(hits.plan).toMatchObject({ exact: true, rows: 250, filter: { matched: 9 } });
      expect(['matches', 'check']).toContain(hits.plan?.strategy);
      expect(hits.plan?.visited).toBeLessThanOrEqual(250);
      const whole = db.querySync([0, 0, 0, 0], 5, { explain: true }).plan;
      expect(whole).toEqual({ strategy: 'scan', exact: true, rows: 250, visited: 250, unindexedRows: 0 });
      expect(await db.explain([0, 0, 0, 0], 5)).toEqual(whole);
      expect(await db.explain([0, 0, 0, 0], 5, { filter: LATE })).toEqual(hits.plan);
      expect((await db.query([0, 0, 0, 0], 5, { explain: true, minScore: 2 })).plan).toEqual(whole);
    });

    test('explain refuses what is neither a filter nor a query, and queryBatch refuses explain', async () => {
      const db = await filled();
      const { explain } = db as never as { explain: (...given: unknown[]) => Promise<unknown> };
      await expectRejection(explain.call(db, undefined), 'FilterParseError', 'filter');
      await expectRejection(explain.call(db, [1, 0, 0, 0]), 'FilterParseError', 'filter');
      await expectRejection(explain.call(db, LATE, 5), 'InvalidInput', 'vector');
      await expectRejection(explain.call(db, [1, 0], 5), 'DimensionMismatch', 'vector');
      await expectRejection(explain.call(db, [1, 0, 0, 0], 5, { misspelt: 1 }), 'InvalidOptions', 'misspelt');
      const batch = db.queryBatch([[1, 0, 0, 0]], 1, { explain: true });
      await expectRejection(batch, 'InvalidOptions', 'options.explain', 'query');
      expectFailure(
        thrown(() => db.iterate({ filter: { op: 'like' } as never })),
        'FilterParseError',
        'options.filter.op',
      );
    });
  });
}
