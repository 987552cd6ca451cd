// One of many short-lived processes: opens a store, adds some rows, closes it, ends.
// Task: { path, firstRow, rows }. Reads only those rows of the data, as reading all would take longer than the rest.

import { RvfDatabase } from '@ruvector/rvf';
import { attempt, givenTask, lastAnswer } from '../lib/child.mjs';
import { loadSlice, vectorAt } from '../lib/data.mjs';
import { elapsedMs } from '../lib/measure.mjs';

await attempt(async () => {
  const { path, firstRow, rows } = givenTask();
  const { vectors, dimensions } = loadSlice(firstRow, rows);
  const entries = Array.from({ length: rows }, (_, index) => ({
    id: String(firstRow + index),
    vector: vectorAt(vectors, dimensions, index),
  }));
  let db;
  const openMs = await elapsedMs(async () => {
    db = await RvfDatabase.open(path);
  });
  const ingestMs = await elapsedMs(() => db.ingestBatch(entries));
  const closeMs = await elapsedMs(() => db.close());
  lastAnswer({ openMs, ingestMs, closeMs });
});
