// Makes a store of real and derived rows, row i with the id i, waits for its graph and closes it.
// Task: { path, rows, quick, options }: `options` are more of the store's; with them it is compacted. What making the rows takes is not in the times.

import { RvfDatabase } from '@ruvector/rvf';
import { answer, attempt, givenTask } from '../lib/child.mjs';
import { loadData } from '../lib/data.mjs';
import { derivedVector } from '../lib/derived.mjs';
import { elapsedMs } from '../lib/measure.mjs';
import { waitForIndex } from '../lib/rvf-engine.mjs';
import { fileBytes } from '../lib/scratch.mjs';

const BATCH_ROWS = 1_000;

await attempt(async () => {
  const { path, rows, quick, options } = givenTask();
  const data = loadData({ quick });
  const db = await RvfDatabase.create(path, { dimensions: data.dimensions, metric: 'cosine', ...options });
  let ingestMs = 0;
  for (let start = 0; start < rows; start += BATCH_ROWS) {
    const batch = Array.from({ length: Math.min(BATCH_ROWS, rows - start) }, (_, index) => ({
      id: String(start + index),
      vector: derivedVector(data, start + index),
    }));
    ingestMs += await elapsedMs(() => db.ingestBatch(batch));
  }
  const indexMs = await elapsedMs(() => waitForIndex(db));
  const compactMs = options === undefined ? 0 : await elapsedMs(() => db.compact());
  const closeMs = await elapsedMs(() => db.close());
  answer({ ingestMs, indexMs, compactMs, closeMs, bytes: fileBytes(path) });
});
