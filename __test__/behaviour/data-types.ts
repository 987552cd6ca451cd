import { describe, expect, test } from 'vitest';
import type { DistanceMetric, RvfDtype, RvfVectorInput } from '../../src-ts/types.js';
import { distanceBetween, halfValue, randomNumbers, randomVector } from '../support/brute-force.js';
import { expectRejection } from '../support/failures.js';
import { type Host, useStores } from '../support/host.js';

const DTYPES: RvfDtype[] = ['f32', 'f16', 'int8'];
const METRICS: DistanceMetric[] = ['l2', 'cosine', 'dotproduct'];
const DIMENSION = 19;
const COUNT = 300;

/** A random vector in the range of a type, as the numbers that are stored. */
function stored(dtype: RvfDtype, random: () => number): number[] {
  const numbers = [...randomVector(random, DIMENSION)];
  switch (dtype) {
    case 'f32':
      return numbers;
    case 'f16':
      return numbers.map((value) => Math.round(value * 1024) / 1024);
    case 'int8':
      return numbers.map((value) => Math.round(value * 127));
  }
}

/** The array that vectors of a type come back in. */
function given(dtype: RvfDtype, numbers: number[]): Float32Array | Int8Array {
  return dtype === 'int8' ? Int8Array.from(numbers) : Float32Array.from(numbers);
}

/** The bits of a half float that `value` is, found by trying all. */
function bitsOf(value: number): number {
  const bits = Array.from({ length: 0x7c00 }, (_, index) => index).find(
    (half) => halfValue(half) === Math.abs(value),
  ) as number;
  return value < 0 ? bits | 0x8000 : bits;
}

/** A `Float16Array`, or where the runtime has none a view of the same bytes that goes by its name. */
function float16Array(values: number[]): RvfVectorInput {
  const { Float16Array } = globalThis as { Float16Array?: { from(values: number[]): RvfVectorInput } };
  const bits = Uint16Array.from(values, bitsOf);
  const standIn = Object.defineProperty(new DataView(bits.buffer), Symbol.toStringTag, {
    value: 'Float16Array',
  });
  return Float16Array?.from(values) ?? (standIn as unknown as RvfVectorInput);
}

/** What stores of half floats and of signed bytes take, keep and answer. */
export function dataTypesBehaviour(host: Host): void {
  describe('data types', () => {
    const stores = useStores(host);

    for (const dtype of DTYPES) {
      test.each(METRICS)(
        `${dtype} by %s: every way to search answers what comparing all does`,
        async (metric) => {
          const random = randomNumbers(5);
          const db = await stores.create({ dimensions: DIMENSION, metric, dtype });
          const vectors = Array.from({ length: COUNT }, () => stored(dtype, random));
          await db.ingestBatch(vectors.map((vector, index) => ({ id: `${index}`, vector })));
          const queries = Array.from({ length: 5 }, () => stored(dtype, random));
          const batch = await db.queryBatch(queries, 7, { includeVectors: true });
          const flat = await db.queryBatch(Float32Array.from(queries.flat()), 7);
          for (const [index, query] of queries.entries()) {
            const expected = vectors
              .map((vector, id) => ({ id: `${id}`, distance: distanceBetween(metric, query, vector) }))
              .sort((a, b) => a.distance - b.distance)
              .slice(0, 7);
            const answers = [
              await db.query(given(dtype, query), 7, { quality: 'exact' }),
              db.querySync(query, 7),
            ];
            for (const hits of [...answers, batch[index] ?? [], flat[index] ?? []]) {
              expect(hits.map((hit) => hit.id)).toEqual(expected.map((hit) => hit.id));
              for (const [place, { distance }] of expected.entries()) {
                expect(hits[place]?.distance).toBeCloseTo(
                  distance,
                  dtype === 'int8' && metric !== 'cosine' ? 0 : 4,
                );
              }
            }
            const own = expected.map((hit) => given(dtype, vectors[Number(hit.id)] as number[]));
            expect(batch[index]?.map((hit) => hit.vector)).toEqual(own);
          }
        },
      );

      test(`${dtype}: vectors come back as they were stored, after reopening, too, and status() names the type`, async () => {
        const random = randomNumbers(6);
        const db = await stores.create({ dimensions: DIMENSION, dtype });
        const vectors = Array.from({ length: 4 }, () => given(dtype, stored(dtype, random)));
        await db.ingestBatch(vectors.slice(0, 3).map((vector, index) => ({ id: `${index}`, vector })));
        await db.insert('3', vectors[3] as Float32Array);
        await db.close();
        const again = await stores.open();
        expect((await again.status()).dtype).toBe(dtype);
        const ids = ['0', '1', '2', '3'];
        expect((await again.get(ids, { includeVectors: true })).map((row) => row.vector)).toEqual(vectors);
        const rows = [];
        for await (const row of again.iterate({ includeVectors: true })) {
          rows.push(row.vector);
        }
        expect(rows).toEqual(vectors);
        const changes = await again.changes(0, { includeVectors: true });
        expect(changes.upserted.map((row) => row.vector)).toEqual(vectors);
      });
    }

    test('f16 takes numbers, which it rounds to the nearest half float, ties to even', async () => {
      const db = await stores.create({ dimensions: 8, dtype: 'f16' });
      // 2^-24 is the smallest half float; above 2048 they are two apart, and from 65520 on rounding would reach infinity.
      const numbers = [0.1, 2049, 2051, 65_519, 2 ** -25, 2 ** -25 * 1.001, -(2 ** -24), -0];
      await db.insert('numbers', numbers);
      await db.insert('floats', Float32Array.from(numbers));
      const rounded = Float32Array.of(0.0999755859375, 2048, 2052, 65_504, 0, 2 ** -24, -(2 ** -24), -0);
      const rows = await db.get(['numbers', 'floats'], { includeVectors: true });
      expect(rows.map((row) => row.vector)).toEqual([rounded, rounded]);
    });

    test('f16 takes every half float by its bits, in a Uint16Array, and gives it back', async () => {
      const db = await stores.create({ dimensions: 1024, dtype: 'f16' });
      const entries = [];
      for (let exponent = 0; exponent < 31; exponent++) {
        const bits = Uint16Array.from({ length: 1024 }, (_, fraction) => (exponent << 10) | fraction);
        entries.push({ id: `${exponent}`, vector: bits });
        entries.push({ id: `${exponent} as numbers`, vector: Float32Array.from(bits, halfValue) });
        entries.push({ id: `-${exponent}`, vector: bits.map((half) => half | 0x8000) });
      }
      await db.ingestBatch(entries);
      for await (const { id, vector } of db.iterate({ includeVectors: true })) {
        const exponent = Math.abs(Number.parseInt(id, 10));
        const sign = id.startsWith('-') ? 0x8000 : 0;
        const expected = Float32Array.from({ length: 1024 }, (_, fraction) =>
          halfValue(sign | (exponent << 10) | fraction),
        );
        expect(vector, id).toEqual(expected);
      }
    });

    test('f16 takes a Float16Array', async () => {
      const db = await stores.create({ dimensions: 3, dtype: 'f16' });
      await db.insert('a', float16Array([1, -2.5, 0.25]));
      expect(db.querySync(float16Array([1, -2.5, 0]), 1)[0]?.distance).toBe(0.0625);
      const [row] = await db.get(['a'], { includeVectors: true });
      expect(row?.vector).toEqual(Float32Array.of(1, -2.5, 0.25));
    });

    test('f16 takes queries as half floats, one behind the other, too', async () => {
      const db = await stores.create({ dimensions: 2, dtype: 'f16' });
      await db.ingestBatch([
        { id: 'a', vector: [1, 2] },
        { id: 'b', vector: [-0.5, 3] },
      ]);
      const queries = Uint16Array.from([1, 2, -0.5, 3], bitsOf);
      expect((await db.queryBatch(queries, 1)).map(([hit]) => [hit?.id, hit?.distance])).toEqual([
        ['a', 0],
        ['b', 0],
      ]);
      expect(db.querySync(queries.subarray(2), 1)[0]?.id).toBe('b');
      expect((await db.query(queries.subarray(0, 2), 1))[0]?.id).toBe('a');
    });

    test('int8 takes an Int8Array or integers, and queries one behind the other', async () => {
      const db = await stores.create({ dimensions: 2, dtype: 'int8' });
      await db.insert('bytes', Int8Array.of(-128, 127));
      await db.insert('numbers', [-128, 127]);
      await db.insert('floats', Float32Array.of(-128, 127));
      const rows = await db.get(['bytes', 'numbers', 'floats'], { includeVectors: true });
      expect(rows.map((row) => row.vector)).toEqual(Array(3).fill(Int8Array.of(-128, 127)));
      const hits = await db.queryBatch(Int8Array.of(127, -128, -128, 127), 1);
      expect(hits.map(([hit]) => hit?.distance)).toEqual([2 * 255 ** 2, 0]);
    });

    test('replacing by a filter takes vectors of the type', async () => {
      for (const [dtype, vector] of [
        ['f16', [1, 0.1]],
        ['int8', [1, -2]],
      ] as const) {
        const db = await stores.create({ dimensions: 2, dtype }, dtype);
        await db.insert('a', [1, 2], { n: 1 });
        await db.replaceWhere({ op: 'eq', field: 'n', value: 1 }, [{ id: 'b', vector }]);
        const [row] = await db.get(['b'], { includeVectors: true });
        expect(row?.vector).toEqual(
          dtype === 'int8' ? Int8Array.from(vector) : Float32Array.of(1, 0.0999755859375),
        );
        await expectRejection(
          db.replaceWhere({ op: 'eq', field: 'n', value: 1 }, [{ id: 'c', vector: [1, 1e6] }]),
          'InvalidInput',
          'entries[0].vector',
        );
      }
    });
  });
}
