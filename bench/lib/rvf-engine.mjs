// RVF as one engine among others, through the package's public interface.

import { batchesOf } from './data.mjs';
import { elapsedMs } from './measure.mjs';
import { signedRows } from './signed-bytes.mjs';

const BATCH_ROWS = 1_000;

/** Of each variant: options of the store. These are compacted in the end; the one without a name is not. */
const VARIANTS = {
  none: {},
  scalar: { compression: 'scalar' },
  'scalar, 4 bits': { compression: { type: 'scalar', bits: 4 } },
  product: { compression: 'product' },
  binary: { compression: 'binary' },
  'dtype f16': { dtype: 'f16' },
  'dtype int8': { dtype: 'int8' },
  'profile 1': { profile: 1 },
  'profile 2': { profile: 2 },
  'profile 3': { profile: 3 },
};

/** @param {keyof VARIANTS} [variant] */
export async function load(variant) {
  const { RvfDatabase } = await import('@ruvector/rvf');
  return {
    versions: {},
    build: (path, data) => buildStore(RvfDatabase, path, data, variant),
    open: async (path) => {
      const db = await RvfDatabase.openReadonly(path);
      return {
        use: async (options) => (vector, k) => db.querySync(vector, k, options),
        rowsOf: rowsOfHits,
        close: () => db.close(),
      };
    },
  };
}

/** The rows' numbers: they are the ids that `buildStore` gives. */
export function rowsOfHits(hits) {
  return hits.map(({ id }) => Number(id));
}

/**
 * Makes a store: ingests durably, waits for the graph, compacts a variant, closes. `hasGraph` is false where this version has none to wait
 * for.
 */
async function buildStore(RvfDatabase, path, data, variant) {
  const options = { dimensions: data.dimensions, metric: 'cosine', ...VARIANTS[variant] };
  const given =
    options.dtype === 'int8' ? { ...data, vectors: signedRows(data.vectors, data.dimensions) } : data;
  const db = await RvfDatabase.create(path, options);
  const ids = Array.from({ length: data.rows }, (_, row) => String(row));
  const ingestMs = await elapsedMs(async () => {
    for (const batch of batchesOf(given, ids, data.metadata, BATCH_ROWS)) await db.ingestBatch(batch);
  });
  const hasGraph = db.waitForIndex !== undefined;
  const indexMs = await elapsedMs(() => waitForIndex(db));
  const compactMs = variant === undefined ? 0 : await elapsedMs(() => db.compact());
  const { unindexedRows, compression: packed } = await db.status();
  const closeMs = await elapsedMs(() => db.close());
  return { ingestMs, indexMs, compactMs, closeMs, hasGraph, unindexedRows, packed };
}

/** Waits until the graph is built, in versions that have one. */
export async function waitForIndex(db) {
  await db.waitForIndex?.();
}
