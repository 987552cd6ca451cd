import type { RvfDatabase, RvfFilterExpr, RvfQueryOptions, RvfScoredResult } from '@ruvector/rvf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readEntries, readQuestions } from '../../examples/quickstart/sample.mjs';
import type { Host } from '../support/host.js';
import { matches } from '../support/plain-filter.js';
import { vectorsOf } from '../support/shapes.js';

/** Rows of the sample that are stored; some of the rest are asked for, fewer of an engine in JavaScript. */
const STORED = 4_500;
const ASKED = { engine: 200, reference: 6 };
const K = 10;

/** Share of the nearest that each tier finds at least, as `RvfQuerySyncOptions.quality` says. */
const FLOORS: [RvfQueryOptions, number][] = [
  [{ quality: 'fast' }, 0.7],
  [{ quality: 'balanced' }, 0.9],
  [{}, 0.95],
  [{ quality: 'precise' }, 0.99],
  [{ quality: 'exact' }, 1],
  [{ efSearch: 160 }, 0.99],
];

const FILTERS: RvfFilterExpr[] = [
  { op: 'in', field: 'section', values: ['libs', 'libdevel', 'python', 'utils'] },
  { op: 'lt', field: 'size', value: 100_000 },
  { op: 'eq', field: 'section', value: 'games' },
  { op: 'ne', field: 'section', value: 'doc' },
];

/** Share of the expected hits that were found, over all queries. */
function recall(found: RvfScoredResult[][], expected: RvfScoredResult[][]): number {
  const wanted = expected.flat().length;
  const hits = expected.map((nearest, index) => {
    const ids = new Set(found[index]?.map(({ id }) => id));
    return nearest.filter(({ id }) => ids.has(id)).length;
  });
  return hits.reduce((sum, count) => sum + count, 0) / wanted;
}

/** What searches find among real embeddings. */
export function recallBehaviour(host: Host): void {
  describe('on real embeddings, all in the graph', () => {
    const { dimensions, entries } = readEntries();
    const asked = host.hasFiles ? ASKED.engine : ASKED.reference;
    const others = entries.slice(STORED, STORED + asked);
    const vectors = vectorsOf([...readQuestions(), ...others].slice(0, asked));
    let db: RvfDatabase;

    beforeAll(async () => {
      db = await host.create(':memory:', { dimensions, metric: 'cosine' });
      await db.ingestBatch(entries.slice(0, STORED));
      await db.waitForIndex();
    });
    afterAll(() => db.close());

    test.each(FLOORS)('with %o at least the share %f of the nearest is found', async (options, floor) => {
      const exact = await db.queryBatch(vectors, K, { quality: 'exact' });
      expect(recall(await db.queryBatch(vectors, K, options), exact)).toBeGreaterThanOrEqual(floor);
    });

    test.each(FILTERS)(
      'with the filter %o hits fit, and at least 0.95 of the nearest are found',
      async (filter) => {
        const exact = await db.queryBatch(vectors, K, { quality: 'exact', filter });
        const found = await db.queryBatch(vectors, K, { filter });
        expect(found.every((hits) => hits.length === K)).toBe(true);
        expect(found.flat().every(({ metadata }) => matches(filter, metadata))).toBe(true);
        expect(recall(found, exact)).toBeGreaterThanOrEqual(0.95);
      },
    );

    test('distances are those of exact search', async () => {
      const exact = await db.queryBatch(vectors, 100, { quality: 'exact' });
      const found = await db.queryBatch(vectors, K);
      found.forEach((hits, index) => {
        const known = new Map(exact[index]?.map(({ id, distance }) => [id, distance]));
        expect(hits.map(({ id, distance }) => [id, distance])).toEqual(
          hits.map(({ id }) => [id, known.get(id)]),
        );
      });
    });

    test.each([500, STORED, 100_000])('k = %i answers as many, though efSearch is 50', async (k) => {
      const hits = await db.query(vectors[0] as Float32Array, k, { efSearch: 50 });
      expect(new Set(hits.map(({ id }) => id)).size).toBe(Math.min(k, STORED));
    });
  });
}
