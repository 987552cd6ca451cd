// @ts-check
// The quick start: makes the sample of 5,000 Debian package descriptions into one .rvf file, asks it questions, updates,
// deletes, compacts, closes it, and opens it again in another process. `npm start` builds everything and runs this.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RvfDatabase, version } from '@ruvector/rvf';
import { answer, bytes, heading, line, median, milliseconds, number, progress, timed } from './print.mjs';
import { readEntries, readQuestions } from './sample.mjs';

const BATCH_ROWS = 500;
const QUESTIONS_SHOWN = 4;
const HITS_SHOWN = 3;

const folder = fileURLToPath(new URL('../out/', import.meta.url));
const path = `${folder}packages.rvf`;
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

const { dimensions, entries } = readEntries();
const questions = readQuestions();

heading(`RVF ${version}: ${number(entries.length)} package descriptions, ${dimensions} dimensions, cosine`);

heading('Create and ingest');
/** @type {RvfDatabase<import('./sample.mjs').Package>} */
const db = await RvfDatabase.create(path, { dimensions, metric: 'cosine' });
let ingestMs = 0;
for (let start = 0; start < entries.length; start += BATCH_ROWS) {
  const batch = entries.slice(start, start + BATCH_ROWS);
  const [{ accepted }, elapsedMs] = await timed(() => db.ingestBatch(batch));
  assert.equal(accepted, batch.length);
  ingestMs += elapsedMs;
  progress(start + accepted, entries.length);
}
line(
  `${milliseconds(ingestMs)} in batches of ${BATCH_ROWS}, each on disk before the next ` +
    `(${number(Math.round(entries.length / (ingestMs / 1000)))} rows/s)`,
);
const rawBytes = entries.length * dimensions * Float32Array.BYTES_PER_ELEMENT;
line(`${bytes(fileBytes())} on disk, of which ${bytes(rawBytes)} are the vectors`);

heading('Ask');
let found = 0;
const times = [];
for (const [index, { text, vector, neighbours }] of questions.entries()) {
  const [hits, elapsedMs] = await timed(() => db.query(vector, neighbours.length));
  times.push(elapsedMs);
  found += hits.filter(({ id }) => neighbours.includes(id)).length;
  if (index < QUESTIONS_SHOWN) answer(text, elapsedMs, hits.slice(0, HITS_SHOWN));
}
const wanted = questions.reduce((sum, { neighbours }) => sum + neighbours.length, 0);
line(
  `${questions.length} questions: ${found} of ${wanted} true nearest neighbours found, ` +
    `median ${milliseconds(median(times))}`,
);

heading('Update');
const question = questions[0];
assert(question);
const [best] = await db.query(question.vector, 1);
assert(best);
const games = entries.filter(({ metadata }) => metadata.section === 'games');
const [, updateMs] = await timed(() =>
  db.ingestBatch(games.map((entry) => ({ ...entry, metadata: { ...entry.metadata, shelf: 'leisure' } }))),
);
const game = games[0];
assert(game);
const [updated] = await db.get([game.id]);
assert.equal(updated?.metadata?.shelf, 'leisure');
assert.equal(await db.count(), entries.length);
line(
  `${games.length} rows of section “games” replaced in ${milliseconds(updateMs)}; still ${number(entries.length)} rows`,
);
line(`${game.id} now has shelf “${updated.metadata.shelf}”`);

heading('Delete');
const unwanted = entries
  .filter(({ id, metadata }) => id === best.id || ['libdevel', 'doc'].includes(metadata.section))
  .map(({ id }) => id);
const [{ deleted }, deleteMs] = await timed(() => db.delete(unwanted));
assert.equal(deleted, unwanted.length);
line(
  `${number(deleted)} rows deleted in ${milliseconds(deleteMs)}: sections “libdevel” and “doc”, and ${best.id}`,
);
const [afterDelete, askMs] = await timed(() => db.query(question.vector, HITS_SHOWN));
assert(!afterDelete.some(({ id }) => unwanted.includes(id)));
answer(question.text, askMs, afterDelete);

heading('Compact');
const before = fileBytes();
const [, compactMs] = await timed(() => db.compact());
line(`${bytes(before)} before, ${bytes(fileBytes())} after, in ${milliseconds(compactMs)}`);

heading('Close, and open again in another process');
const rows = await db.count();
await db.close();
const reopen = fileURLToPath(new URL('reopen.mjs', import.meta.url));
const child = spawnSync(process.execPath, [reopen, path, String(rows), best.id], { stdio: 'inherit' });
assert.equal(child.status, 0, 'the second process failed');

console.log(
  `\nThe store is ${relative(process.cwd(), path)}, ${bytes(fileBytes())}: one file, yours to open or to delete.`,
);

function fileBytes() {
  return statSync(path).size;
}
