// LanceDB: a table with an HNSW index over scalar-quantised vectors, in one partition. A search can compare its candidates by
// the floats (`refineFactor`). Its calls can only be awaited.

import * as lancedb from '@lancedb/lancedb';
import * as arrow from 'apache-arrow';
import { versionOf } from './version.mjs';

const M = 16;
const EF_CONSTRUCTION = 200;

export async function load() {
  return {
    versions: { LanceDB: versionOf('@lancedb/lancedb') },
    build: async (folder, data) => {
      const connection = await lancedb.connect(folder);
      const table = await connection.createTable('entries', arrowTable(data));
      const options = { distanceType: 'cosine', numPartitions: 1, m: M, efConstruction: EF_CONSTRUCTION };
      await table.createIndex('vector', { config: lancedb.Index.hnswSq(options) });
      connection.close();
    },
    open: async (folder) => {
      const connection = await lancedb.connect(folder);
      const table = await connection.openTable('entries');
      return {
        use:
          async ({ efSearch, refineFactor }) =>
          (vector, k) => {
            const search = table.vectorSearch(vector).distanceType('cosine').ef(efSearch).limit(k);
            if (refineFactor !== undefined) search.refineFactor(refineFactor);
            return search.select(['row', '_distance']).toArray();
          },
        rowsOf: (found) => found.map(({ row }) => row),
        close: async () => connection.close(),
      };
    },
  };
}

/** The rows as Arrow's columns: their numbers, their vectors where they lie, and others. */
export function arrowTable({ vectors, dimensions, rows }, others = {}) {
  const number = new arrow.Field('item', new arrow.Float32(), true);
  const child = arrow.makeData({
    type: new arrow.Float32(),
    data: vectors.subarray(0, rows * dimensions),
  });
  const lists = arrow.makeData({
    type: new arrow.FixedSizeList(dimensions, number),
    length: rows,
    nullCount: 0,
    child,
  });
  const row = arrow.makeVector(Int32Array.from({ length: rows }, (_, index) => index));
  return new arrow.Table({ row, vector: arrow.makeVector(lists), ...others });
}
