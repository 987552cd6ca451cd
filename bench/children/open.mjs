// Opens a store in a fresh process and asks it. Task: { path, queries, readOnly, engineLoaded }.
// `queries` are asked after the first one; `engineLoaded`: the addon is loaded before the clock starts.

import { RvfDatabase } from '@ruvector/rvf';
import { answer, givenTask } from '../lib/child.mjs';
import { loadQueries, vectorAt } from '../lib/data.mjs';
import { elapsedMs, median } from '../lib/measure.mjs';
import { isMemoryKnown, privateBytes } from '../lib/memory.mjs';

const K = 10;

const { path, queries, readOnly, engineLoaded } = givenTask();
const vectors = loadQueries();
if (engineLoaded) {
  const other = await RvfDatabase.create(':memory:', { dimensions: 1 });
  await other.close();
}
const before = isMemoryKnown ? privateBytes(path) : undefined;

const started = performance.now();
const db = readOnly ? await RvfDatabase.openReadonly(path) : await RvfDatabase.open(path);
const opened = performance.now();
const dimensions = await db.dimension();
const asking = performance.now();
const first = db.querySync(vectorAt(vectors, dimensions, 0), K);
const asked = performance.now();
const queryMs = [];
for (let query = 1; query <= queries; query += 1) {
  const vector = vectorAt(vectors, dimensions, query % (vectors.length / dimensions));
  queryMs.push(await elapsedMs(() => db.querySync(vector, K)));
}

const after = isMemoryKnown ? privateBytes(path) : undefined;
const { totalVectors, recovered, tailBytes } = await db.status();
answer({
  openMs: opened - started,
  firstQueryMs: asked - asking,
  queryMs: queries > 0 ? median(queryMs) : undefined,
  hits: first.length,
  rows: totalVectors,
  recoveredCommits: recovered?.commits ?? 0,
  tailBytes,
  privateBytes: before && after.total - before.total,
  privateFileBytes: before && after.fileClean - before.fileClean,
});
// The store is not closed, so that a file that a killed writer left is found as it was by the next process.
setInterval(() => db, 1_000);
