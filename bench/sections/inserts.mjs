// Durable single inserts, beside a plain append and fsync of the same bytes.

import { RvfDatabase } from '@ruvector/rvf';
import { batchesOf, loadMetadata } from '../lib/data.mjs';
import { derivedEntries } from '../lib/derived.mjs';
import { count, milliseconds, rate, times } from '../lib/format.mjs';
import { alternate, elapsedMs, median, pairedRatio, quantile } from '../lib/measure.mjs';
import { openRawFile, payloadOf } from '../lib/raw.mjs';
import { judged, reported } from '../lib/rows.mjs';
import { freshPath, removeFile } from '../lib/scratch.mjs';

export const title = 'Durable single inserts';

/** Short turns, many of them: the time of an fsync drifts with whatever else the disk does. */
const INSERTS_PER_TURN = 100;
const TURNS_PER_ROUND = 5;
const LIMITS = { sync: 0.8, awaited: 0.65, together: 20 };

export async function run({ data, rounds }) {
  const turns = rounds * TURNS_PER_ROUND;
  const { metadata } = loadMetadata(data);
  const latencies = { sync: [], awaited: [], syncDescribed: [], awaitedDescribed: [] };
  const stores = {};
  for (const name of ['together', ...Object.keys(latencies)]) stores[name] = await storeWithRows(data, name);
  const raw = openRawFile();

  const entriesOf = (name, turn) =>
    derivedEntries(data, data.rows + turn * INSERTS_PER_TURN, INSERTS_PER_TURN, name);
  const describedOf = (name, turn) =>
    entriesOf(name, turn).map((entry, index) => ({ ...entry, metadata: metadata[index] }));
  const into = (name, insert, entries) => (turn) =>
    insert(stores[name].db, entries(name, turn), latencies[name]);
  const figures = await alternate(turns, {
    raw: (turn) => perSecond(raw.appendMs(entriesOf('raw', turn).map((entry) => payloadOf([entry])))),
    sync: into('sync', insertSync, entriesOf),
    awaited: into('awaited', insertAwaited, entriesOf),
    together: into('together', insertTogether, entriesOf),
    syncDescribed: into('syncDescribed', insertSync, describedOf),
    awaitedDescribed: into('awaitedDescribed', insertAwaited, describedOf),
  });
  raw.close();
  for (const { db, path } of Object.values(stores)) {
    await db.close();
    removeFile(path);
  }
  return { rows: rowsOf(figures, latencies, { data, turns }), samples: figures };
}

function rowsOf(figures, latencies, { data, turns }) {
  const how =
    `one ${data.dimensions}-dimensional vector each into a store of ${count(data.rows)} rows, without metadata where not ` +
    `said; medians of ${turns} turns of ${INSERTS_PER_TURN} inserts, beside as many fs.writeSync + fs.fsyncSync of the same ` +
    'bytes without metadata';
  const speed = (name) => rate(median(figures[name]), 'inserts');
  const spread = (name) =>
    latencies[name] === undefined
      ? ''
      : `; median ${milliseconds(median(latencies[name]))}, 99 % within ${milliseconds(quantile(latencies[name], 0.99))}`;
  const held = (name, what, other, otherName) => {
    const ratio = pairedRatio(figures[name], figures[other]);
    return judged({
      what,
      figure: `${speed(name)}, ${times(ratio)} ${otherName}${spread(name)}`,
      value: ratio,
      criterion: `>= ${LIMITS[name]}x ${otherName}`,
      met: ratio >= LIMITS[name],
      how,
    });
  };
  const beside = (name, what) => {
    const ratio = pairedRatio(figures[name], figures.raw);
    return reported({
      what,
      figure: `${speed(name)}, ${times(ratio)} the fsync rate${spread(name)}`,
      value: ratio,
      how,
    });
  };
  return [
    held('sync', 'ingestBatchSync of one entry', 'raw', 'the fsync rate'),
    held('awaited', 'ingestBatch of one entry, awaited one after another', 'raw', 'the fsync rate'),
    held('together', `ingestBatch of one entry, ${INSERTS_PER_TURN} at once`, 'awaited', 'one after another'),
    beside('syncDescribed', 'ingestBatchSync of one entry with metadata'),
    beside('awaitedDescribed', 'ingestBatch of one entry with metadata, awaited one after another'),
    reported({
      what: 'raw append + fsync: the fsync rate',
      figure: rate(median(figures.raw), 'appends'),
      value: median(figures.raw),
      how,
    }),
  ];
}

const perSecond = (ms) => INSERTS_PER_TURN / (ms / 1000);

async function storeWithRows(data, name) {
  const path = freshPath(`inserts-${name}.rvf`);
  const db = await RvfDatabase.create(path, { dimensions: data.dimensions, metric: 'cosine' });
  const ids = Array.from({ length: data.rows }, (_, row) => `row-${row}`);
  for (const batch of batchesOf(data, ids, undefined, 1_000)) await db.ingestBatch(batch);
  return { db, path };
}

async function insertSync(db, entries, latencies) {
  const ms = await elapsedMs(() => {
    for (const entry of entries) {
      const started = performance.now();
      db.ingestBatchSync([entry]);
      latencies.push(performance.now() - started);
    }
  });
  return perSecond(ms);
}

async function insertAwaited(db, entries, latencies) {
  const ms = await elapsedMs(async () => {
    for (const entry of entries) {
      const started = performance.now();
      await db.ingestBatch([entry]);
      latencies.push(performance.now() - started);
    }
  });
  return perSecond(ms);
}

async function insertTogether(db, entries) {
  return perSecond(await elapsedMs(() => Promise.all(entries.map((entry) => db.ingestBatch([entry])))));
}
