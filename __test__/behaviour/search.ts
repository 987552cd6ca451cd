import type { DistanceMetric, RvfDatabase, RvfVectorInput } from '@ruvector/rvf';
import { describe, expect, test } from 'vitest';
import { distanceBetween, packBits, randomNumbers, randomVector } from '../support/brute-force.js';
import { type Host, type Stores, useStores } from '../support/host.js';

const METRICS: DistanceMetric[] = ['l2', 'cosine', 'dotproduct', 'hamming'];
const DIMENSION = 45;
const COUNT = 300;

function scoreByDefinition(metric: DistanceMetric, distance: number): number {
  const scores = {
    l2: 1 / (1 + distance),
    cosine: 1 - distance,
    dotproduct: 0 - distance,
    hamming: 1 - distance / DIMENSION,
  };
  return scores[metric];
}

async function filled(stores: Stores, metric: DistanceMetric): Promise<[RvfDatabase, RvfVectorInput[]]> {
  const random = randomNumbers(7);
  const db = await stores.create({ dimensions: DIMENSION, metric });
  const vectors = Array.from({ length: COUNT }, () => {
    const vector = randomVector(random, DIMENSION);
    return metric === 'hamming' ? packBits(vector) : vector;
  });
  await db.ingestBatch(vectors.map((vector, index) => ({ id: `${index}`, vector })));
  return [db, vectors];
}

/** Search finds what comparing with every entry finds. */
export function searchBehaviour(host: Host): void {
  describe('search', () => {
    const stores = useStores(host);

    test.each(METRICS)('%s: the nearest are those of brute force, with their distances', async (metric) => {
      const [db, vectors] = await filled(stores, metric);
      const random = randomNumbers(8);
      for (let round = 0; round < 10; round++) {
        const numbers = randomVector(random, DIMENSION);
        const query = metric === 'hamming' ? packBits(numbers) : numbers;
        const expected = vectors
          .map((vector, index) => ({ id: `${index}`, distance: distanceBetween(metric, query, vector) }))
          .sort((a, b) => a.distance - b.distance)
          .slice(0, 20);
        const hits = await db.query(query, 20);
        expect(hits.map((hit) => hit.id)).toEqual(expected.map((hit) => hit.id));
        for (const [index, hit] of hits.entries()) {
          expect(hit.distance).toBeCloseTo(expected[index]?.distance ?? Number.NaN, 4);
          expect(hit.score).toBeCloseTo(scoreByDefinition(metric, hit.distance), 10);
        }
      }
    });

    test.each(METRICS)('%s: every stored vector finds itself', async (metric) => {
      const [db, vectors] = await filled(stores, metric);
      const found = await db.queryBatch(vectors, metric === 'dotproduct' ? COUNT : 1);
      expect(found.every((hits, index) => hits.some((hit) => hit.id === `${index}`))).toBe(true);
    });

    test('distances are as defined: l2 squared, cosine 1 - cos, dotproduct -dot, hamming bits', async () => {
      const distances: Record<string, number> = {};
      for (const metric of METRICS) {
        const db = await stores.create({ metric }, metric);
        await db.insert('a', [0, 2, 0, 0]);
        distances[metric] = (await db.query([1, 0, 0, 0], 1))[0]?.distance ?? Number.NaN;
      }
      expect(distances).toEqual({ l2: 5, cosine: 1, dotproduct: 0, hamming: 2 });
      expect(Object.is(distances.dotproduct, -0)).toBe(false);
    });

    test('cosine: length does not matter, and a zero vector is at distance 1 from everything', async () => {
      const db = await stores.create({ metric: 'cosine' });
      await db.ingestBatch([
        { id: 'long', vector: [1000, 0, 0, 0] },
        { id: 'zero', vector: [0, 0, 0, 0] },
        { id: 'opposite', vector: [-0.001, 0, 0, 0] },
      ]);
      const hits = await db.query([0.5, 0, 0, 0], 3);
      expect(hits.map((hit) => [hit.id, Math.round(hit.distance * 1e6) / 1e6])).toEqual([
        ['long', 0],
        ['zero', 1],
        ['opposite', 2],
      ]);
      expect((await db.query([0, 0, 0, 0], 3)).map((hit) => hit.distance)).toEqual([1, 1, 1]);
    });

    test('hamming takes packed bits, lowest first, or numbers of which those above 0 are ones', async () => {
      const db = await stores.create({ dimensions: 10, metric: 'hamming' });
      await db.insert('packed', Uint8Array.of(0b0000_0101, 0b10));
      await db.insert('numbers', [0.1, -3, 7, 0, 0, 0, 0, -0, 0, 1]);
      await db.insert('floats', Float32Array.of(1, 0, 1, 0, 0, 0, 0, 0, 0, 1));
      const hits = await db.query(Uint8Array.of(0b0000_0101, 0b10), 3, { includeVectors: true });
      expect(hits.map((hit) => [hit.id, hit.distance, hit.score])).toEqual([
        ['packed', 0, 1],
        ['numbers', 0, 1],
        ['floats', 0, 1],
      ]);
      expect(hits.map((hit) => hit.vector)).toEqual(Array(3).fill(Uint8Array.of(0b0000_0101, 0b10)));
      expect(await db.dimension()).toBe(10);
    });

    test('equal distances come in the order of insertion', async () => {
      const db = await stores.create();
      const ids = Array.from({ length: 50 }, (_, index) => `id ${(index * 17) % 50}`);
      await db.ingestBatch(ids.map((id) => ({ id, vector: [1, 1, 1, 1] })));
      expect((await db.query([0, 0, 0, 0], 50)).map((hit) => hit.id)).toEqual(ids);
      expect((await db.query([0, 0, 0, 0], 7)).map((hit) => hit.id)).toEqual(ids.slice(0, 7));
    });

    test('k may exceed the number of entries and efSearch', async () => {
      const [db] = await filled(stores, 'l2');
      const query = new Float32Array(DIMENSION);
      expect(await db.query(query, 100_000)).toHaveLength(COUNT);
      expect(await db.query(query, 200, { efSearch: 10 })).toHaveLength(200);
    });

    test('an empty store answers nothing', async () => {
      const db = await stores.create();
      expect(await db.query([0, 0, 0, 0], 5)).toEqual([]);
      expect(db.querySync([0, 0, 0, 0], 5)).toEqual([]);
      expect(await db.queryBatch([[0, 0, 0, 0]], 5)).toEqual([[]]);
      expect(await db.queryBatch([], 5)).toEqual([]);
    });

    test.each(METRICS)('%s: minScore and maxDistance keep exactly the hits within them', async (metric) => {
      const [db, vectors] = await filled(stores, metric);
      const query = vectors[3] as Float32Array;
      const all = await db.query(query, COUNT);
      const middle = all[100];
      const minScore = middle?.score ?? 0;
      const maxDistance = middle?.distance ?? 0;
      expect(await db.query(query, COUNT, { minScore })).toEqual(all.filter((hit) => hit.score >= minScore));
      const near = all.filter((hit) => hit.distance <= maxDistance);
      expect(await db.query(query, COUNT, { maxDistance })).toEqual(near);
      expect(db.querySync(query, 5, { minScore, maxDistance })).toEqual(near.slice(0, 5));
      expect(await db.query(query, 5, { minScore: Number.POSITIVE_INFINITY })).toEqual([]);
    });

    test('includeVectors gives the vectors as they were stored', async () => {
      const [db, vectors] = await filled(stores, 'cosine');
      const hits = await db.query(vectors[0] as Float32Array, 3, { includeVectors: true });
      expect(hits.map((hit) => hit.vector)).toEqual(hits.map((hit) => vectors[Number(hit.id)]));
    });

    test('a batch of queries answers what the queries alone answer, in their order', async () => {
      const [db, vectors] = await filled(stores, 'l2');
      await db.insert('0', vectors[0] as Float32Array, { zero: true });
      const some = vectors.slice(0, 20) as Float32Array[];
      const flat = new Float32Array(some.flatMap((vector) => [...vector]));
      const options = { includeVectors: true };
      const expected = await Promise.all(some.map((vector) => db.query(vector, 6, options)));
      expect(await db.queryBatch(flat, 6, options)).toEqual(expected);
      expect(await db.queryBatch(some, 6, options)).toEqual(expected);
      expect(db.querySync(some[4] as Float32Array, 6, options)).toEqual(expected[4]);
    });

    test('without a graph, every quality and efSearch is answered exactly', async () => {
      const [db, vectors] = await filled(stores, 'l2');
      const exact = await db.query(vectors[9] as Float32Array, 10, { quality: 'exact' });
      for (const quality of ['fast', 'balanced', 'precise'] as const) {
        expect(await db.query(vectors[9] as Float32Array, 10, { quality, efSearch: 1 })).toEqual(exact);
      }
    });
  });
}
