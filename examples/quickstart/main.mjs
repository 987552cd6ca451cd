// @ts-check
// The quick start: makes the sample of 5,000 Debian package descriptions into one .rvf file, asks it questions, in several
// qualities and with filters, updates, deletes, compacts, closes it, and opens it again in another process. `npm start` builds everything and runs this.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fromMongo, RvfDatabase, version } from '@ruvector/rvf';
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
const puzzle = questions[2];
assert(puzzle);

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

heading('Index');
const [, indexMs] = await timed(() => db.waitForIndex());
const { unindexedRows, indexBytes = 0 } = await db.status();
assert.equal(unindexedRows, 0);
line(
  `${milliseconds(indexMs)} until all rows were in the graph, which has grown since the first batches came; ` +
    `${number(Math.round(indexBytes / entries.length))} bytes a row`,
);

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

heading('Ask in several qualities');
for (const quality of /** @type {const} */ (['fast', undefined, 'precise', 'exact'])) {
  let nearest = 0;
  const [, elapsedMs] = await timed(async () => {
    for (const { vector, neighbours } of questions) {
      const hits = db.querySync(vector, neighbours.length, { quality });
      nearest += hits.filter(({ id }) => neighbours.includes(id)).length;
    }
  });
  const { strategy, visited, rows } = await db.explain(puzzle.vector, HITS_SHOWN, { quality });
  line(
    `${(quality ?? 'default').padEnd(8)} ${nearest} of ${wanted} found, ${milliseconds(elapsedMs / questions.length)} each; ` +
      `by ${strategy}: ${number(visited)} of ${number(rows)} vectors looked at`,
  );
}

heading('Ask with a filter');
/** @type {[string, import('@ruvector/rvf').RvfFilterExpr<import('./sample.mjs').Package>][]} */
const filters = [
  ['section is games', db.where('section').is('games')],
  ['size below 100,000 and not a library', db.where('size').below(100_000).and('section').isNot('libs')],
  ['tagged as a puzzle or a board game', db.where('tags').hasAny(['game::puzzle', 'game::board'])],
  ['as a MongoDB object', fromMongo({ section: { $in: ['python', 'perl'] }, size: { $lt: 50_000 } })],
];
for (const [wording, filter] of filters) {
  const [matching, countMs] = await timed(() => db.count(filter));
  const [hits, filteredMs] = await timed(() => db.query(puzzle.vector, HITS_SHOWN, { filter }));
  assert.equal(matching, (await db.queryByFilter(filter)).length);
  line(`${wording}: ${number(matching)} entries, counted in ${milliseconds(countMs)}`);
  answer(puzzle.text, filteredMs, hits);
}
const [, leisure] = filters[0] ?? [];
assert(leisure);
const plan = await db.explain(leisure);
line(
  `the plan for “section is games”: ${number(plan.matched)} of ${number(plan.rows)} entries fit, ` +
    `${number(Math.round(plan.estimated * plan.rows))} were expected, ${number(plan.unindexedRows)} have no index yet`,
);

heading('Update');
const question = questions[0];
assert(question);
const [best] = await db.query(question.vector, 1);
assert(best);
const games = entries.filter(({ metadata }) => metadata.section === 'games');
const [{ updated: changed }, updateMs] = await timed(() => db.updateMetadata(leisure, { shelf: 'leisure' }));
assert.equal(changed, games.length);
const game = games[0];
assert(game);
const [updated] = await db.get([game.id]);
assert.equal(updated?.metadata?.shelf, 'leisure');
assert.equal(await db.count(), entries.length);
line(
  `metadata of ${games.length} rows of section “games” changed in ${milliseconds(updateMs)}; still ${number(entries.length)} rows`,
);
line(`${game.id} now has shelf “${updated.metadata.shelf}”`);

heading('Delete');
const unwanted = entries
  .filter(({ id, metadata }) => id === best.id || ['libdevel', 'doc'].includes(metadata.section))
  .map(({ id }) => id);
const [deleted, deleteMs] = await timed(async () => {
  const one = await db.delete([best.id]);
  const many = await db.deleteByFilter(db.where('section').in(['libdevel', 'doc']));
  return one.deleted + many.deleted;
});
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
