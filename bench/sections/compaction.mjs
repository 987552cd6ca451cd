// Compaction: how long it takes, what it leaves, and how long it holds up a writer.

import { RvfDatabase } from '@ruvector/rvf';
import { derivedEntries } from '../lib/derived.mjs';
import { bytes, count, milliseconds, times } from '../lib/format.mjs';
import { elapsedMs, median } from '../lib/measure.mjs';
import { judged, reported } from '../lib/rows.mjs';
import { fileBytes, freshPath, removeFile } from '../lib/scratch.mjs';

export const title = 'Compaction, half of the rows deleted';

const BATCH_ROWS = 1_000;
const MS_MAX = 500;
const SIZE_MAX = 1.5;
const INSERTS_BEFORE = 200;

export async function run({ data, rounds }) {
  const rows = Math.min(10_000, data.rows);
  const small = [];
  for (let round = 0; round < rounds; round += 1) small.push(await compactOnce(data, rows));
  const large = [];
  for (let round = 0; round < rounds; round += 1) large.push(await compactBesideWriter(data));

  const ms = median(small.map((one) => one.ms));
  const size = Math.max(...small.map((one) => one.bytes));
  const rawBytes = (rows / 2) * data.dimensions * Float32Array.BYTES_PER_ELEMENT;
  const longest = Math.max(...large.map((one) => Math.max(...one.during)));
  const how = `${count(rows)} x ${data.dimensions} ingested in batches of ${count(BATCH_ROWS)}, every other row deleted`;
  const howLarge =
    `${count(data.rows)} rows, every other one deleted; ingestBatch of one entry, awaited one after another, while ` +
    `compact() runs; ${rounds} rounds`;
  return {
    rows: [
      judged({
        what: `compact() of ${count(rows)} rows`,
        figure: milliseconds(ms),
        value: ms,
        criterion: `< ${MS_MAX} ms`,
        met: ms < MS_MAX,
        how: `${how}, median of ${rounds}`,
      }),
      judged({
        what: 'the file right after it, without metadata',
        figure: `${bytes(size)}, ${times(size / rawBytes)} the raw vectors`,
        value: size / rawBytes,
        criterion: `<= ${SIZE_MAX}x the raw f32 bytes of the living rows`,
        met: size <= rawBytes * SIZE_MAX,
        how: `${how}; the raw bytes are ${bytes(rawBytes)}`,
      }),
      reported({
        what: `compact() of ${count(data.rows)} rows beside a writer`,
        figure: milliseconds(median(large.map((one) => one.ms))),
        value: median(large.map((one) => one.ms)),
        how: howLarge,
      }),
      reported({
        what: 'longest single insert meanwhile',
        figure: `${milliseconds(longest)} (median ${milliseconds(median(large.flatMap((one) => one.during)))})`,
        value: longest,
        how: `${howLarge}, ${count(large.reduce((sum, one) => sum + one.during.length, 0))} inserts in all`,
      }),
      reported({
        what: 'single insert before it',
        figure: `median ${milliseconds(median(large.flatMap((one) => one.before)))}`,
        value: median(large.flatMap((one) => one.before)),
        how: `${count(INSERTS_BEFORE)} inserts into the same store before each round`,
      }),
    ],
    samples: {
      small,
      large: large.map(({ ms: compactMs, during }) => ({ compactMs, longestMs: Math.max(...during) })),
    },
  };
}

async function halfDeleted(data, rows, path) {
  const db = await RvfDatabase.create(path, { dimensions: data.dimensions, metric: 'cosine' });
  for (let row = 0; row < rows; row += BATCH_ROWS) {
    await db.ingestBatch(derivedEntries(data, row, Math.min(BATCH_ROWS, rows - row), 'row'));
  }
  const { deleted } = await db.delete(Array.from({ length: rows / 2 }, (_, index) => `row-${index * 2}`));
  if (deleted !== Math.floor(rows / 2)) throw new Error(`${deleted} rows deleted of ${rows / 2}`);
  return db;
}

async function compactOnce(data, rows) {
  const path = freshPath('compact.rvf');
  const db = await halfDeleted(data, rows, path);
  const ms = await elapsedMs(() => db.compact());
  const size = fileBytes(path);
  await db.close();
  removeFile(path);
  return { ms, bytes: size };
}

async function compactBesideWriter(data) {
  const path = freshPath('compact.rvf');
  const db = await halfDeleted(data, data.rows, path);
  const spare = derivedEntries(data, data.rows, 20_000, 'beside');
  const insert = async (times_) => times_.push(await elapsedMs(() => db.ingestBatch([spare.pop()])));

  const before = [];
  while (before.length < INSERTS_BEFORE) await insert(before);

  const during = [];
  let isRunning = true;
  const compaction = elapsedMs(() => db.compact()).finally(() => {
    isRunning = false;
  });
  while (isRunning && spare.length > 0) await insert(during);
  const ms = await compaction;
  await db.close();
  removeFile(path);
  return { ms, before, during };
}
