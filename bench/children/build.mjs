// Makes a store of `rows` rows and closes it. Task: { path, rows, quick }.

import { RvfDatabase } from '@ruvector/rvf';
import { answer, givenTask } from '../lib/child.mjs';
import { loadData } from '../lib/data.mjs';
import { derivedEntries } from '../lib/derived.mjs';

const BATCH_ROWS = 1_000;

const { path, rows, quick } = givenTask();
const data = loadData({ quick });
const db = await RvfDatabase.create(path, { dimensions: data.dimensions, metric: 'cosine' });
for (let row = 0; row < rows; row += BATCH_ROWS) {
  await db.ingestBatch(derivedEntries(data, row, Math.min(BATCH_ROWS, rows - row), 'row'));
}
await db.close();
answer({});
