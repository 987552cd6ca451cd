// hnswlib-node: an index with the vectors in it, in one file. It takes vectors as arrays of numbers only, and has one thread.

import { versionOf } from './version.mjs';

const M = 16;
const EF_CONSTRUCTION = 200;

export async function load() {
  const { default: hnswlib } = await import('hnswlib-node');
  return {
    versions: { 'hnswlib-node': versionOf('hnswlib-node') },
    build: async (path, { vectors, dimensions, rows }) => {
      const index = new hnswlib.HierarchicalNSW('cosine', dimensions);
      index.initIndex({ maxElements: rows, m: M, efConstruction: EF_CONSTRUCTION });
      for (let row = 0; row < rows; row += 1) {
        index.addPoint(Array.from(vectors.subarray(row * dimensions, (row + 1) * dimensions)), row);
      }
      index.writeIndexSync(path);
    },
    open: async (path, dimensions) => {
      const index = new hnswlib.HierarchicalNSW('cosine', dimensions);
      index.readIndexSync(path);
      return {
        use: async ({ efSearch }) => {
          index.setEf(efSearch);
          return (vector, k) => index.searchKnn(vector, k);
        },
        rowsOf: ({ neighbors }) => neighbors,
        close: async () => {},
      };
    },
  };
}
