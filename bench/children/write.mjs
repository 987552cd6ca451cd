// Opens a store, commits what a killed writer leaves behind, and answers once all of it is acknowledged.
// Task: { path, firstRow, commits, rowsPerCommit, quick }.

import { RvfDatabase } from '@ruvector/rvf';
import { answer, givenTask } from '../lib/child.mjs';
import { loadData } from '../lib/data.mjs';
import { derivedEntries } from '../lib/derived.mjs';
import { elapsedMs, median } from '../lib/measure.mjs';

const { path, firstRow, commits, rowsPerCommit, quick } = givenTask();
const data = loadData({ quick });
const db = await RvfDatabase.open(path);
const commitMs = [];
for (let commit = 0; commit < commits; commit += 1) {
  const entries = derivedEntries(data, firstRow + commit * rowsPerCommit, rowsPerCommit, 'tail');
  commitMs.push(await elapsedMs(() => db.ingestBatch(entries)));
}
const { tailBytes } = await db.status();
answer({ tailBytes, commitMs: median(commitMs) });
// The store is not closed: keeping this process alive until it is killed is the point.
setInterval(() => db, 1_000);
