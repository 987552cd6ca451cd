import type { RvfCompressionOptions, RvfDatabase, RvfScoredResult } from '@ruvector/rvf';
import { beforeAll, describe, expect, test } from 'vitest';
import { readEntries, readQuestions } from '../../examples/quickstart/sample.mjs';
import { expectRejection } from '../support/failures.js';
import { type Host, useStores } from '../support/host.js';
import { vectorsOf } from '../support/shapes.js';

/** A compression, the least recall@10 of what it keeps, and the most of a vector's bytes that it keeps of one. */
const CASES: [RvfCompressionOptions, number, number][] = [
  [{ type: 'scalar' }, 0.97, 0.26],
  [{ type: 'scalar', bits: 4 }, 0.88, 0.14],
  [{ type: 'product', trainingRows: 4_000 }, 0.85, 0.12],
  [{ type: 'binary' }, 0.6, 0.05],
];
const STORED = 4_000;
const ASKED = 100;
const K = 10;

const WRONG: [unknown, string][] = [
  ['zip', 'none, scalar, product, binary'],
  [8, '{type, ...}'],
  [['scalar'], '{type, ...}'],
  [{ bits: 8 }, 'compression.type'],
  [{ type: 'zip' }, 'compression.type'],
  [{ type: 'scalar', bits: 5 }, '4 or 8'],
  [{ type: 'scalar', subvectors: 4 }, 'subvectors'],
  [{ type: 'product', subvectors: 0 }, '1 to'],
  [{ type: 'product', subvectors: 9 }, '9 parts'],
  [{ type: 'product', bits: 8 }, 'bits'],
  [{ type: 'product', trainingRows: 255 }, '256'],
  [{ type: 'binary', trainingRows: 1e9 }, '262144'],
  [{ type: 'binary', bits: 2 }, 'bits'],
];

function recall(found: RvfScoredResult[][], expected: RvfScoredResult[][]): number {
  const shares = expected.map((nearest, index) => {
    const ids = new Set(found[index]?.map(({ id }) => id));
    return nearest.filter(({ id }) => ids.has(id)).length / nearest.length;
  });
  return shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

/** Squared distance as a share of the squared length of the first. */
export function relativeError(given: Float32Array, found: Float32Array): number {
  let [distance, length] = [0, 0];
  given.forEach((value, index) => {
    distance += (value - (found[index] as number)) ** 2;
    length += value ** 2;
  });
  return distance / length;
}

/** What stores with `compression` keep, find, and say of it. */
export function compressionBehaviour(host: Host): void {
  describe.runIf(host.hasFiles)('with compression', () => {
    const stores = useStores(host);
    const { dimensions, entries } = readEntries();
    const stored = entries.slice(0, STORED);
    const queries = vectorsOf([...readQuestions(), ...entries.slice(STORED)].slice(0, ASKED));
    const given = new Map(stored.map(({ id, vector }) => [id, vector]));
    let truth: RvfScoredResult[][];

    beforeAll(async () => {
      const db = await host.create(':memory:', { dimensions, metric: 'cosine' });
      await db.ingestBatch(stored);
      truth = await db.queryBatch(queries, K, { quality: 'exact' });
      await db.close();
    });

    async function packed(compression: RvfCompressionOptions): Promise<RvfDatabase> {
      const db = await stores.create({ dimensions, metric: 'cosine', compression });
      await db.ingestBatch(stored);
      await db.waitForIndex();
      return db;
    }

    test.each(CASES)(
      '%o keeps enough to find the share %f of the nearest by',
      async (compression, floor, share) => {
        const db = await packed(compression);
        const exact = await db.queryBatch(queries, K, { quality: 'exact' });
        expect(recall(exact, truth)).toBeGreaterThanOrEqual(floor);
        expect(recall(await db.queryBatch(queries, K), exact)).toBeGreaterThanOrEqual(0.95);
        const status = await db.status();
        expect(status.compression).toMatchObject({ type: compression.type, packedRows: STORED });
        expect(status.compression?.rowBytes).toBeLessThanOrEqual(share * dimensions * 4);
        expect(status.compression?.measured?.recall).toBeGreaterThanOrEqual(floor);
      },
    );

    test.each(CASES)('%o answers what it has left of a vector, and says so', async (compression) => {
      const db = await packed(compression);
      await db.insert('late', given.get(stored[0]?.id as string) as Float32Array);
      const rows = await db.get([stored[1]?.id as string, 'late'], { includeVectors: true });
      const measured = (await db.status()).compression?.measured;
      const [first, late] = rows;
      expect(first?.lossy).toBe(true);
      const error = relativeError(
        given.get(first?.id as string) as Float32Array,
        first?.vector as Float32Array,
      );
      expect(error).toBeGreaterThan(0);
      expect(error).toBeLessThan(2 * (measured?.relativeError as number));
      expect(late).toEqual({ id: 'late', vector: given.get(stored[0]?.id as string) });
      const hits = await db.query(given.get(stored[0]?.id as string) as Float32Array, 2, {
        includeVectors: true,
      });
      expect(hits.map(({ id, lossy }) => [id, lossy])).toContainEqual(['late', undefined]);
      expect(hits.find(({ id }) => id !== 'late')?.lossy).toBe(true);
      for await (const row of db.iterate({ includeVectors: true, batchSize: 1_500 })) {
        expect(row.lossy).toBe(row.id === 'late' ? undefined : true);
      }
    });

    test.each(CASES)('%o is what a store was created with after it was closed', async (compression) => {
      const db = await packed(compression);
      const before = await db.queryBatch(queries, K);
      const { bytesReclaimed } = await db.compact();
      expect(bytesReclaimed).toBeGreaterThan(STORED * dimensions * 3);
      await db.close();
      const again = await stores.open();
      expect((await again.status()).compression).toMatchObject({
        type: compression.type,
        packedRows: STORED,
      });
      expect(recall(await again.queryBatch(queries, K), before)).toBeGreaterThan(0.97);
      await again.ingestBatch([{ id: 'late', vector: stored[5]?.vector as Float32Array }]);
      await again.delete([stored[5]?.id as string]);
      const [nearest] = await again.query(stored[5]?.vector as Float32Array, 1);
      expect(nearest?.id).toBe('late');
    });

    test('a few vectors stay as they were given', async () => {
      const db = await stores.create({ dimensions, metric: 'cosine', compression: 'product' });
      await db.ingestBatch(stored.slice(0, 100));
      await db.waitForIndex();
      await db.compact();
      expect((await db.status()).compression).toEqual({
        type: 'product',
        bits: 8,
        subvectors: expect.any(Number),
        packedRows: 0,
        rowBytes: expect.any(Number),
        quantisers: 0,
      });
      expect(await db.get([stored[3]?.id as string], { includeVectors: true })).toEqual([
        expect.objectContaining({ vector: stored[3]?.vector }),
      ]);
    });

    test.each(WRONG)('compression %j is refused', async (compression, text) => {
      const options = { dimensions: 8, metric: 'l2', compression: compression as 'scalar' } as const;
      await expectRejection(stores.create(options), 'InvalidOptions', text);
    });

    test('bits have no compression', async () => {
      const options = { dimensions: 64, metric: 'hamming', compression: 'scalar' } as const;
      await expectRejection(stores.create(options), 'InvalidOptions', 'compression');
    });
  });
}
