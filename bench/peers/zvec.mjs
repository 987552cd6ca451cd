// zvec: a collection in a folder, with an HNSW index, or with one of RaBitQ codes. With int8 the folder holds the floats as well, and a search can
// compare its candidates by them (`refine`).

import { versionOf } from './version.mjs';
import { insertRows } from './zvec-rows.mjs';

const M = 16;
const EF_CONSTRUCTION = 200;

/** @param {'f32' | 'int8' | 'rabitq'} quantization - What the index compares. */
export async function load(quantization) {
  const zvec = await import('@zvec/zvec');
  const { HNSW, HNSW_RABITQ } = zvec.ZVecIndexType;
  const indexType = quantization === 'rabitq' ? HNSW_RABITQ : HNSW;
  const indexParams = {
    indexType,
    metricType: zvec.ZVecMetricType.COSINE,
    m: M,
    efConstruction: EF_CONSTRUCTION,
    ...(quantization === 'int8' && { quantizeType: zvec.ZVecQuantizeType.INT8 }),
  };
  const initialize = (threads) => zvec.ZVecInitialize({ logLevel: zvec.ZVecLogLevel.ERROR, ...threads });
  return {
    versions: { zvec: versionOf('@zvec/zvec') },
    /** `threads` 0 leaves their number to zvec. */
    build: async (path, { vectors, dimensions, rows }, { threads }) => {
      initialize(threads > 0 ? { optimizeThreads: threads } : {});
      const dataType = zvec.ZVecDataType.VECTOR_FP32;
      const vector = { name: 'vector', dataType, dimension: dimensions, indexParams };
      const schema = new zvec.ZVecCollectionSchema({ name: 'entries', vectors: [vector] });
      const collection = zvec.ZVecCreateAndOpen(path, schema);
      insertRows(collection, { vectors, dimensions, rows });
      collection.optimizeSync({ concurrency: threads });
      collection.closeSync();
    },
    open: async (path) => {
      initialize({ queryThreads: 1 });
      const collection = zvec.ZVecOpen(path, { readOnly: true });
      return {
        use: async ({ efSearch, refine = false }) => {
          const params = { indexType, ef: efSearch, ...(indexType === HNSW && { isUsingRefiner: refine }) };
          return (vector, k) =>
            collection.querySync({ fieldName: 'vector', vector, topk: k, outputFields: [], params });
        },
        rowsOf: (found) => found.map(({ id }) => Number(id)),
        close: async () => collection.closeSync(),
      };
    },
  };
}
