// zvec with filters: a collection with an HNSW index over floats, and an inverted index on each column.

import * as zvec from '@zvec/zvec';
import { FIELDS } from '../lib/places.mjs';
import { versionOf } from './version.mjs';
import { insertRows } from './zvec-rows.mjs';

const M = 16;
const EF_CONSTRUCTION = 200;
/** What reaches a recall of 0.95 without a filter, with room to spare. */
const EF_SEARCH = 96;

export async function build(path, { vectors, dimensions, rows }, columns) {
  zvec.ZVecInitialize({ logLevel: zvec.ZVecLogLevel.ERROR, queryThreads: 1 });
  const vector = {
    name: 'vector',
    dataType: zvec.ZVecDataType.VECTOR_FP32,
    dimension: dimensions,
    indexParams: {
      indexType: zvec.ZVecIndexType.HNSW,
      metricType: zvec.ZVecMetricType.COSINE,
      m: M,
      efConstruction: EF_CONSTRUCTION,
    },
  };
  const indexParams = { indexType: zvec.ZVecIndexType.INVERT, enableRangeOptimization: true };
  const fields = FIELDS.map((name) => ({ name, dataType: zvec.ZVecDataType.INT32, indexParams }));
  const schema = new zvec.ZVecCollectionSchema({ name: 'entries', vectors: [vector], fields });
  const collection = zvec.ZVecCreateAndOpen(path, schema);
  insertRows(collection, { vectors, dimensions, rows }, (row) => ({
    fields: Object.fromEntries(FIELDS.map((field) => [field, columns[field][row]])),
  }));
  collection.optimizeSync();
  collection.closeSync();
}

export async function open(path) {
  const collection = zvec.ZVecOpen(path, { readOnly: true });
  const params = { indexType: zvec.ZVecIndexType.HNSW, ef: EF_SEARCH };
  const asked = { fieldName: 'vector', outputFields: [], params };
  return {
    versions: { zvec: versionOf('@zvec/zvec') },
    setting: `ef ${EF_SEARCH}`,
    prepare: ({ field, start, end }) => (end === undefined ? `${field} >= ${start}` : `${field} < ${end}`),
    search: (vector, k, filter) =>
      collection.querySync({ ...asked, vector, topk: k, ...(filter && { filter }) }),
    rowsOf: (found) => found.map(({ id }) => Number(id)),
    close: async () => collection.closeSync(),
  };
}
