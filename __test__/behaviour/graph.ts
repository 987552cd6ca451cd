import type { DistanceMetric, RvfDatabase, RvfScoredResult } from '@ruvector/rvf';
import { describe, expect, test } from 'vitest';
import { type Host, useStores } from '../support/host.js';
import {
  CLUSTERS,
  idsOf,
  nearestIds,
  randomEntries,
  SHAPES,
  shapeEntries,
  vectorsOf,
} from '../support/shapes.js';

const METRICS: DistanceMetric[] = ['l2', 'cosine', 'dotproduct', 'hamming'];
const CASES = Object.keys(SHAPES).flatMap((shape) => METRICS.map((metric) => [shape, metric] as const));
/** So many rows that a search goes by the graph, whichever its tier. */
const COUNT = 400;

/** Sizes of a store at which it is asked for everything: each small one, and some on the way to 200. */
const SIZES = Array.from({ length: 200 }, (_, index) => index + 1).filter(
  (size) => size < 20 || size % 15 === 5,
);

function distancesOf(found: RvfScoredResult[][]): (number | undefined)[] {
  return found.map(([nearest]) => nearest?.distance);
}

/** What the graph must not change: that entries are found. */
export function graphBehaviour(host: Host): void {
  describe('with everything in the graph', () => {
    const stores = useStores(host);

    async function indexed(count = COUNT): Promise<[RvfDatabase, ReturnType<typeof randomEntries>]> {
      const db = await stores.create({ dimensions: 12 });
      const entries = randomEntries(count);
      await db.ingestBatch(entries);
      await db.waitForIndex();
      return [db, entries];
    }

    test.each(CASES)(
      '%s, %s: nothing is nearer than what is found, at 1 to 200 rows',
      async (shape, metric) => {
        const entries = shapeEntries(shape, metric, 200);
        const db = await stores.create({ dimensions: SHAPES[shape]?.dimension ?? 0, metric });
        // Above 80 rows the fast tier goes by the graph; of rows as close together as these clusters it may miss some.
        const qualities = shape === CLUSTERS ? [undefined] : ([undefined, 'fast'] as const);
        for (const [index, size] of SIZES.entries()) {
          const stored = entries.slice(0, size);
          await db.ingestBatch(stored.slice(SIZES[index - 1] ?? 0));
          await db.waitForIndex();
          const nearest = await db.queryBatch(vectorsOf(stored), 1, { quality: 'exact' });
          for (const quality of qualities) {
            const found = await db.queryBatch(vectorsOf(stored), 1, { quality });
            expect(distancesOf(found), `${size} rows, ${quality}`).toEqual(distancesOf(nearest));
          }
          const all = await db.query(stored[0]?.vector as Float32Array, size);
          expect(idsOf(all).sort()).toEqual(idsOf(stored).sort());
        }
      },
    );

    test('every id is found by its own vector', async () => {
      const [db, entries] = await indexed();
      const ids = await nearestIds(db, vectorsOf(entries));
      expect(ids).toEqual(idsOf(entries));
    });

    test('entries stored since are found at once', async () => {
      const [db, entries] = await indexed();
      const late = randomEntries(30, 77).map((entry) => ({ ...entry, id: `late ${entry.id}` }));
      for (const entry of late) {
        await db.ingestBatch([entry]);
        expect(await nearestIds(db, [entry.vector])).toEqual([entry.id]);
      }
      expect((await db.status()).unindexedRows).toBe(30);
      const all = [...entries, ...late];
      expect(await nearestIds(db, vectorsOf(all))).toEqual(idsOf(all));
    });

    test('deleted entries are never found, and the others still are', async () => {
      const [db, entries] = await indexed();
      const isGone = (_: unknown, index: number) => index % 3 === 0;
      const gone = new Set(entries.filter(isGone).map(({ id }) => id));
      await db.delete([...gone]);
      const vectors = vectorsOf(entries);
      const found = await db.queryBatch(vectors, 10, { quality: 'fast' });
      expect(found.every((hits) => hits.length === 10 && !hits.some(({ id }) => gone.has(id)))).toBe(true);
      const left = entries.filter(({ id }) => !gone.has(id));
      expect(await nearestIds(db, vectorsOf(left))).toEqual(idsOf(left));
    });

    test('a store whose entries were all deleted answers nothing, and fills again', async () => {
      const [db, entries] = await indexed();
      await db.delete(idsOf(entries));
      expect(await db.query(new Float32Array(12), 5, { quality: 'fast' })).toEqual([]);
      await db.waitForIndex();
      const again = randomEntries(COUNT, 5);
      await db.ingestBatch(again);
      await db.waitForIndex();
      expect(await nearestIds(db, vectorsOf(again))).toEqual(idsOf(again));
    });

    test('a replaced entry is found where its new vector is, and not where it was', async () => {
      const [db, entries] = await indexed();
      const moved = entries
        .slice(0, 20)
        .map(({ id, vector }) => ({ id, vector: vector.map((value) => value + 9) }));
      await db.ingestBatch(moved);
      const found = await db.queryBatch(vectorsOf(moved), 1, { quality: 'fast' });
      expect(found.map(([hit]) => [hit?.id, hit?.distance])).toEqual(moved.map(({ id }) => [id, 0]));
      const old = await db.queryBatch(vectorsOf(entries.slice(0, 20)), 5, { quality: 'fast' });
      expect(old.every((hits, index) => !hits.some(({ id }) => id === `${index}`))).toBe(true);
    });

    test.each(['fast', 'balanced', undefined, 'precise', 'exact'] as const)(
      'quality %s: a batch answers what its queries alone answer, in their order',
      async (quality) => {
        const [db, entries] = await indexed(1_500);
        const vectors = randomEntries(25, 8).map(({ vector }) => vector);
        const options = { quality, includeVectors: true };
        const alone = await Promise.all(vectors.map((vector) => db.query(vector, 7, options)));
        expect(await db.queryBatch(vectors, 7, options)).toEqual(alone);
        expect(vectors.map((vector) => db.querySync(vector, 7, options))).toEqual(alone);
        expect(alone.every((hits) => hits.length === 7)).toBe(true);
        expect(alone[0]?.[0]?.vector).toEqual(entries[Number(alone[0]?.[0]?.id)]?.vector);
      },
    );

    test('minScore and maxDistance bound what the graph finds', async () => {
      const [db, entries] = await indexed();
      const vector = entries[9]?.vector as Float32Array;
      const all = await db.query(vector, 10, { quality: 'fast' });
      const { distance, score } = all[4] as (typeof all)[number];
      expect(await db.query(vector, 10, { maxDistance: distance })).toEqual(all.slice(0, 5));
      expect(await db.query(vector, 10, { minScore: score })).toEqual(all.slice(0, 5));
    });
  });
}
