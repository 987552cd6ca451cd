// The engines that search with filters through an index: ours, and the peers that have an index and filters. Each is built
// with its own defaults, M = 16 and efConstruction = 200, and an index on each column that filters ask for.

import { rmSync } from 'node:fs';
import { batchesOf } from './data.mjs';
import { FIELDS } from './places.mjs';
import { freshPath, removeFile } from './scratch.mjs';

const BATCH_ROWS = 1_000;

/** For each: builds a store, opens it again, and answers how to search it. A filter is prepared once for many searches. */
export const FILTERED_ENGINES = {
  rvf: { label: 'RVF', open: openOurs },
  zvec: { label: 'zvec f32', open: openPeer('zvec-filtered', 'filtered.zvec'), isPeer: true },
  lancedb: {
    label: 'LanceDB HNSW-SQ',
    open: openPeer('lancedb-filtered', 'filtered.lance'),
    isPeer: true,
    isAwaited: true,
  },
};

async function openOurs(data, columns) {
  const { RvfDatabase } = await import('@ruvector/rvf');
  const path = freshPath('filtered.rvf');
  const made = await RvfDatabase.create(path, { dimensions: data.dimensions, metric: 'cosine' });
  const ids = Array.from({ length: data.rows }, (_, row) => String(row));
  const metadata = ids.map((_, row) =>
    Object.fromEntries(FIELDS.map((field) => [field, columns[field][row]])),
  );
  for (const batch of batchesOf(data, ids, metadata, BATCH_ROWS)) await made.ingestBatch(batch);
  await made.waitForIndex();
  await made.close();
  const db = await RvfDatabase.openReadonly(path);
  const optionsOf = (filter) => ({ includeMetadata: false, ...(filter && { filter }) });
  return {
    versions: {},
    prepare: ({ field, start, end }) =>
      end === undefined ? { op: 'ge', field, value: start } : { op: 'lt', field, value: end },
    search: (vector, k, filter) => db.querySync(vector, k, optionsOf(filter)),
    rowsOf: (hits) => hits.map(({ id }) => Number(id)),
    strategyOf: (vector, k, filter) => db.explain(vector, k, optionsOf(filter)),
    close: async () => {
      await db.close();
      removeFile(path);
    },
  };
}

function openPeer(module, name) {
  return async (data, columns) => {
    const { build, open } = await import(`../peers/${module}.mjs`);
    const path = freshPath(name);
    await build(path, data, columns);
    const store = await open(path);
    return {
      ...store,
      close: async () => {
        await store.close();
        rmSync(path, { recursive: true, force: true });
      },
    };
  };
}
