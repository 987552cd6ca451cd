// What single inserts add to the file: while the store is open, after it is closed, and where each insert comes with an
// open and a close of its own.

import { RvfDatabase } from '@ruvector/rvf';
import { loadMetadata, payloadBytesOfAll } from '../lib/data.mjs';
import { derivedEntries } from '../lib/derived.mjs';
import { bytes, count, milliseconds, times } from '../lib/format.mjs';
import { elapsedMs, median } from '../lib/measure.mjs';
import { judged, reported } from '../lib/rows.mjs';
import { fileBytes, freshPath, removeFile } from '../lib/scratch.mjs';

export const title = 'Growth of the file';

const OVERHEAD_BYTES_MAX = 512;
const INSERTS = 1_000;
const CYCLES = 200;

export async function run({ data }) {
  const { metadata } = loadMetadata(data);
  const plain = derivedEntries(data, 0, INSERTS, 'row');
  const described = plain.map((entry, row) => ({ ...entry, metadata: metadata[row % metadata.length] }));
  const grown = { plain: await inserted(data, plain), described: await inserted(data, described) };
  const cycles = await openedEachTime(data, plain.slice(0, CYCLES));
  return {
    rows: [
      perInsert('without metadata', grown.plain),
      perInsert('with metadata', grown.described),
      afterwards('without metadata', grown.plain),
      afterwards('with metadata', grown.described),
      reported({
        what: 'open, insert one, close: growth per cycle',
        figure: `${bytes(cycles.bytes)}, ${times(cycles.bytes / cycles.payload)} the payload`,
        value: cycles.bytes,
        how:
          `${CYCLES} cycles in one process on a store that is empty at first, without metadata; ` +
          `${bytes(cycles.payload)} of payload each, median ${milliseconds(cycles.ms)} a cycle`,
      }),
      reported({
        what: `the same file after compact()`,
        figure: `${bytes(cycles.compacted)}, ${times(cycles.compacted / (cycles.payload * CYCLES))} the payload`,
        value: cycles.compacted,
        how: `${CYCLES} rows`,
      }),
    ],
    samples: { grown, cycles },
  };
}

/** Grows a new store by single inserts, too few for a checkpoint between them, and closes it. */
async function inserted(data, entries) {
  const path = freshPath('growth.rvf');
  const db = await RvfDatabase.create(path, { dimensions: data.dimensions, metric: 'cosine' });
  const before = fileBytes(path);
  for (const entry of entries) db.ingestBatchSync([entry]);
  const open = fileBytes(path) - before;
  await db.close();
  const closed = fileBytes(path);
  removeFile(path);
  return { payload: payloadBytesOfAll(entries), open, closed };
}

async function openedEachTime({ dimensions }, entries) {
  const path = freshPath('growth.rvf');
  await (await RvfDatabase.create(path, { dimensions, metric: 'cosine' })).close();
  const before = fileBytes(path);
  const cycleMs = [];
  for (const entry of entries) {
    cycleMs.push(
      await elapsedMs(async () => {
        const db = await RvfDatabase.open(path);
        await db.ingestBatch([entry]);
        await db.close();
      }),
    );
  }
  const grown = fileBytes(path) - before;
  const db = await RvfDatabase.open(path);
  await db.compact();
  const compacted = fileBytes(path);
  await db.close();
  removeFile(path);
  return {
    payload: payloadBytesOfAll(entries) / entries.length,
    bytes: grown / entries.length,
    ms: median(cycleMs),
    compacted,
  };
}

function perInsert(what, { payload, open }) {
  const overhead = (open - payload) / INSERTS;
  return judged({
    what: `growth per insert while open, ${what}`,
    figure: `payload + ${bytes(overhead)}`,
    value: overhead,
    criterion: `<= payload + ${OVERHEAD_BYTES_MAX} B`,
    met: overhead <= OVERHEAD_BYTES_MAX,
    how:
      `${count(INSERTS)} ingestBatchSync into a new store, no checkpoint between them; ` +
      `payload (vector, id, metadata as JSON): ${bytes(payload / INSERTS)} each`,
  });
}

function afterwards(what, { payload, closed }) {
  return reported({
    what: `the file after these ${count(INSERTS)} inserts and close(), ${what}`,
    figure: `${bytes(closed)}, ${times(closed / payload)} the payload`,
    value: closed,
    how: 'closing writes the rows once more, in their final form; compact() gives the journals back',
  });
}
