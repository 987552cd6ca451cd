// @ts-check
// The second process of the quick start: opens the file that the first one left and asks it again.
//   node reopen.mjs FILE ROWS DELETED_ID

import assert from 'node:assert/strict';
import { RvfDatabase } from '@ruvector/rvf';
import { answer, bytes, line, milliseconds, number, timed } from './print.mjs';
import { readQuestions } from './sample.mjs';

const [path, rows, deletedId] = process.argv.slice(2);
assert(path && rows && deletedId, 'usage: node reopen.mjs FILE ROWS DELETED_ID');

/** @type {[RvfDatabase<import('./sample.mjs').Package>, number]} */
const [db, openMs] = await timed(() => RvfDatabase.open(path));
const { totalVectors, epoch } = await db.status();
assert.equal(totalVectors, Number(rows));
line(`opened in ${milliseconds(openMs)}: ${number(totalVectors)} rows, epoch ${number(epoch)}`);

for (const { text, vector } of readQuestions().slice(0, 2)) {
  const [hits, elapsedMs] = await timed(() => db.query(vector, 3));
  assert(!hits.some(({ id }) => id === deletedId));
  answer(text, elapsedMs, hits);
}

const [{ valid, bytes: checked, problems }, verifyMs] = await timed(() => db.verify());
assert(valid, problems[0]?.message);
line(`verified in ${milliseconds(verifyMs)}: ${bytes(checked)}, every byte as it was written`);
await db.close();
