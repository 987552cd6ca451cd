// usearch: an index with the vectors in it, in one file. How wide a search is belongs to the index object, so each width
// loads the file anew; what that takes is not part of a query's time.

import { versionOf } from './version.mjs';

const M = 16;
const EF_CONSTRUCTION = 200;

/** @param {'f32' | 'i8'} quantization - How vectors are kept in the index. */
export async function load(quantization) {
  const { default: usearch } = await import('usearch');
  const make = (dimensions, efSearch) =>
    new usearch.Index({
      dimensions,
      metric: usearch.MetricKind.Cos,
      quantization,
      connectivity: M,
      expansion_add: EF_CONSTRUCTION,
      expansion_search: efSearch,
      multi: false,
    });
  return {
    versions: { usearch: versionOf('usearch') },
    /** `threads` 0 leaves their number to usearch. */
    build: async (path, { vectors, dimensions, rows }, { threads }) => {
      const index = make(dimensions, EF_CONSTRUCTION);
      index.add(
        BigUint64Array.from({ length: rows }, (_, row) => BigInt(row)),
        vectors.subarray(0, rows * dimensions),
        threads,
      );
      index.save(path);
    },
    open: async (path, dimensions) => ({
      use: async ({ efSearch }) => {
        // An index that is used no more holds its memory until the garbage is collected, which does not see how much it is.
        globalThis.gc?.();
        const index = make(dimensions, efSearch);
        index.load(path);
        return (vector, k) => index.search(vector, k, 1);
      },
      rowsOf: ({ keys }) => Array.from(keys, Number),
      close: async () => {},
    }),
  };
}
