import { describe, expect, test } from 'vitest';
import type { RvfDtype, RvfOptions, RvfVectorInput } from '../../src-ts/types.js';
import { expectRejection } from '../support/failures.js';
import { type Host, useStores } from '../support/host.js';

const DTYPES: RvfDtype[] = ['f32', 'f16', 'int8'];

/** Half floats that are not finite, by their bits, and how errors name them. */
const NOT_FINITE = [
  [0x7c00, 'Infinity'],
  [0xfc00, '-Infinity'],
  [0x7e00, 'NaN'],
] as const;

/** What stores of half floats and of signed bytes do not take: nothing is clipped, and nothing rounded in silence. */
export function dataTypeRefusalsBehaviour(host: Host): void {
  describe('data types refuse', () => {
    const stores = useStores(host);

    test.each([65_520, 1e6, -1e39, Number.POSITIVE_INFINITY, Number.NaN])(
      'f16 refuses the number %d by its place and the limit',
      async (value) => {
        const db = await stores.create({ dimensions: 3, dtype: 'f16' });
        const entries = [
          { id: 'a', vector: [1, 2, 3] },
          { id: 'b', vector: [1, value, 3] },
        ];
        const says = ['65504', `element 1 is ${value}`];
        await expectRejection(db.ingestBatch(entries), 'InvalidInput', 'entries[1].vector', ...says);
        await expectRejection(db.query([1, value, 3], 1), 'InvalidInput', 'vector', ...says);
        await expectRejection(db.queryBatch([[1, value, 3]], 1), 'InvalidInput', 'vectors[0]', ...says);
        const rejected = await db.ingestBatch(entries, { onInvalid: 'reject' });
        expect([rejected.accepted, rejected.rejections?.[0]?.id]).toEqual([1, 'b']);
      },
    );

    test.each(NOT_FINITE)('f16 refuses the bits %d, which are %s', async (bits, name) => {
      const db = await stores.create({ dimensions: 2, dtype: 'f16' });
      const vector = Uint16Array.of(0x3c00, bits);
      const says = ['65504', `element 1 is ${name}`];
      await expectRejection(db.insert('a', vector), 'InvalidInput', 'vector', ...says);
      await expectRejection(db.query(vector, 1), 'InvalidInput', 'vector', ...says);
      await expectRejection(db.queryBatch(vector, 1), 'InvalidInput', 'vectors', ...says);
    });

    test.each([0.5, 128, -129, 2 ** 32, 2 ** 32 + 1, Number.NaN, Number.POSITIVE_INFINITY])(
      'int8 refuses the number %d by its place and the limits',
      async (value) => {
        const db = await stores.create({ dimensions: 3, dtype: 'int8' });
        const says = ['-128 to 127', `element 2 is ${value}`];
        await expectRejection(db.insert('a', [1, 2, value]), 'InvalidInput', 'vector', ...says);
        await expectRejection(db.query([1, 2, value], 1), 'InvalidInput', 'vector', ...says);
        await expectRejection(
          db.queryBatch(Float32Array.of(1, 2, 3, 1, 2, value), 1),
          'InvalidInput',
          'vectors[1]',
          '-128 to 127',
        );
        expect(await db.count()).toBe(0);
      },
    );

    test('vectors of another type or length are refused', async () => {
      const wrong: Record<RvfDtype, RvfVectorInput[]> = {
        f32: [Uint16Array.of(1, 2), Int8Array.of(1, 2), Uint8Array.of(1, 2)],
        f16: [Int8Array.of(1, 2), Uint8Array.of(1, 2)],
        int8: [Uint16Array.of(1, 2), Uint8Array.of(1, 2)],
      };
      const short: Record<RvfDtype, RvfVectorInput> = {
        f32: Float32Array.of(1),
        f16: Uint16Array.of(1),
        int8: Int8Array.of(1),
      };
      for (const dtype of DTYPES) {
        const db = await stores.create({ dimensions: 2, dtype }, dtype);
        for (const vector of wrong[dtype]) {
          await expectRejection(db.insert('a', vector), 'InvalidInput', 'must be');
          await expectRejection(db.query(vector, 1), 'InvalidInput', 'must be');
          await expectRejection(db.queryBatch(vector, 1), 'InvalidInput', 'must be');
        }
        await expectRejection(db.insert('a', short[dtype]), 'DimensionMismatch', '1 elements');
        await expectRejection(db.query([1, 2, 3], 1), 'DimensionMismatch', '3 elements');
        await expectRejection(db.queryBatch(short[dtype], 1), 'DimensionMismatch', 'no multiple of the 2');
        await expectRejection(
          db.queryBatch(Float32Array.of(1, 2, 3), 1),
          'DimensionMismatch',
          'no multiple of the 2',
        );
      }
    });

    test('hamming stores bits, and takes no dtype', async () => {
      for (const dtype of DTYPES) {
        const options: RvfOptions = { dimensions: 8, metric: 'hamming', dtype };
        await expectRejection(
          host.create(stores.path(), options),
          'MetricUnsupported',
          'options.dtype',
          dtype,
        );
      }
      const db = await stores.create({ dimensions: 8, metric: 'hamming' });
      expect((await db.status()).dtype).toBe('binary');
    });

    test.each(['f64', 'binary', '', 1, null])('creating with dtype = %s', async (dtype) => {
      const options = { dimensions: 4, dtype } as never;
      await expectRejection(
        host.create(stores.path(), options),
        'InvalidOptions',
        'options.dtype',
        'f32, f16, int8',
      );
    });
  });
}
