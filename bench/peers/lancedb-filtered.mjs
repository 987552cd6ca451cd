// LanceDB with filters: a table with an HNSW index over scalar-quantised vectors in one partition, and a B-tree on each
// column.

import * as lancedb from '@lancedb/lancedb';
import * as arrow from 'apache-arrow';
import { FIELDS } from '../lib/places.mjs';
import { arrowTable } from './lancedb-index.mjs';
import { versionOf } from './version.mjs';

const M = 16;
const EF_CONSTRUCTION = 200;
/** What reaches a recall of 0.95 without a filter, with room to spare. */
const EF_SEARCH = 120;
const REFINE_FACTOR = 2;

export async function build(folder, data, columns) {
  const connection = await lancedb.connect(folder);
  const places = Object.fromEntries(FIELDS.map((field) => [field, arrow.makeVector(columns[field])]));
  const table = await connection.createTable('entries', arrowTable(data, places));
  const options = { distanceType: 'cosine', numPartitions: 1, m: M, efConstruction: EF_CONSTRUCTION };
  await table.createIndex('vector', { config: lancedb.Index.hnswSq(options) });
  for (const field of FIELDS) await table.createIndex(field, { config: lancedb.Index.btree() });
  connection.close();
}

export async function open(folder) {
  const connection = await lancedb.connect(folder);
  const table = await connection.openTable('entries');
  return {
    versions: { LanceDB: versionOf('@lancedb/lancedb') },
    setting: `ef ${EF_SEARCH}, refineFactor ${REFINE_FACTOR}`,
    prepare: ({ field, start, end }) => (end === undefined ? `${field} >= ${start}` : `${field} < ${end}`),
    search: (vector, k, filter) => {
      const search = table
        .vectorSearch(vector)
        .distanceType('cosine')
        .ef(EF_SEARCH)
        .refineFactor(REFINE_FACTOR);
      const narrowed = filter === undefined ? search : search.where(filter);
      return narrowed.limit(k).select(['row', '_distance']).toArray();
    },
    rowsOf: (found) => found.map(({ row }) => row),
    close: async () => connection.close(),
  };
}
