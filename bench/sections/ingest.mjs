// Durable ingest in batches of 1,000, beside plain appends and fsyncs of the same bytes.

import { RvfDatabase } from '@ruvector/rvf';
import { batchesOf, loadMetadata } from '../lib/data.mjs';
import { bytes, count, milliseconds, rate, times } from '../lib/format.mjs';
import { alternate, elapsedMs, median, pairedRatio } from '../lib/measure.mjs';
import { openRawFile, payloadOf } from '../lib/raw.mjs';
import { judged, reported } from '../lib/rows.mjs';
import { freshPath, removeFile } from '../lib/scratch.mjs';

export const title = 'Durable ingest';

const BATCH_ROWS = 1_000;
const RATIO_MIN = 0.8;
const VECTORS_PER_SECOND_MIN = 200_000;

export async function run({ data, rounds }) {
  const { ids, metadata } = loadMetadata(data);
  const plain = batchesOf(data, ids, undefined, BATCH_ROWS);
  const described = batchesOf(data, ids, metadata, BATCH_ROWS);
  const closeMs = [];
  const figures = await alternate(rounds, {
    ...subjects('plain', data, plain, closeMs),
    ...subjects('described', data, described, []),
  });
  const payloads = { plain: payloadOf(plain.flat()).length, described: payloadOf(described.flat()).length };
  const how = (name) =>
    `${count(data.rows)} x ${data.dimensions}, ${bytes(payloads[name])} of payload, a new file each time, ` +
    `medians of ${rounds} rounds in turns with the raw appends`;

  const speed = (name) => data.rows / (median(figures[name]) / 1000);
  const ratio = (name, raw) => 1 / pairedRatio(figures[name], figures[raw]);
  const figure = (name, raw) => `${rate(speed(name), 'vectors')}, ${times(ratio(name, raw))} raw`;
  const plainRatio = ratio('plainAwaited', 'plainRaw');
  return {
    rows: [
      judged({
        what: 'ingestBatch, awaited one after another, without metadata',
        figure: figure('plainAwaited', 'plainRaw'),
        value: speed('plainAwaited'),
        criterion: `>= ${RATIO_MIN}x raw append + fsync, or >= ${count(VECTORS_PER_SECOND_MIN)} vectors/s`,
        met: plainRatio >= RATIO_MIN || speed('plainAwaited') >= VECTORS_PER_SECOND_MIN,
        how: how('plain'),
      }),
      reported({
        what: 'ingestBatchSync, without metadata',
        figure: figure('plainSync', 'plainRaw'),
        value: speed('plainSync'),
        how: how('plain'),
      }),
      reported({
        what: 'ingestBatch, awaited one after another, with metadata',
        figure: figure('describedAwaited', 'describedRaw'),
        value: speed('describedAwaited'),
        how: how('described'),
      }),
      reported({
        what: 'ingestBatchSync, with metadata',
        figure: figure('describedSync', 'describedRaw'),
        value: speed('describedSync'),
        how: how('described'),
      }),
      reported({
        what: 'raw append + fsync, the bytes without metadata',
        figure: rate(speed('plainRaw'), 'vectors'),
        value: speed('plainRaw'),
        how: `fs.writeSync + fs.fsyncSync, ${plain.length} appends of the same bytes`,
      }),
      reported({
        what: 'close() after the ingest, without metadata',
        figure: milliseconds(median(closeMs)),
        value: median(closeMs),
        how: 'the last checkpoint, which the figures above leave out',
      }),
    ],
    samples: { ...figures, closeMs },
  };
}

/** The three ways to bring some batches to the disk; each answers the milliseconds it took. */
function subjects(name, { dimensions }, batches, closeMs) {
  const payloads = batches.map(payloadOf);
  const intoStore = async (ingest) => {
    const path = freshPath('ingest.rvf');
    const db = await RvfDatabase.create(path, { dimensions, metric: 'cosine' });
    const ingestMs = await elapsedMs(() => ingest(db));
    closeMs.push(await elapsedMs(() => db.close()));
    removeFile(path);
    return ingestMs;
  };
  return {
    [`${name}Raw`]: () => {
      const raw = openRawFile();
      const appendMs = raw.appendMs(payloads);
      raw.close();
      return appendMs;
    },
    [`${name}Awaited`]: () =>
      intoStore(async (db) => {
        for (const batch of batches) await db.ingestBatch(batch);
      }),
    [`${name}Sync`]: () =>
      intoStore((db) => {
        for (const batch of batches) db.ingestBatchSync(batch);
      }),
  };
}
