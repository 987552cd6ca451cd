// What things cost as a store grows: building, opening, the first query, queries, inserts, memory, bytes.

import { runChild, startChild } from '../lib/child.mjs';
import { bytes, count, duration, milliseconds, number } from '../lib/format.mjs';
import { freshFigures } from '../lib/fresh-figures.mjs';
import { median } from '../lib/measure.mjs';
import { judged, reported } from '../lib/rows.mjs';
import { freshPath, removeFile } from '../lib/scratch.mjs';

export const title = 'Cost as it grows';

const K = 10;
const SIZES = { full: [1_000, 10_000, 63_666], quick: [500, 2_000] };
const LARGE_ROWS = { full: 1_000_000, quick: 10_000 };
const QUERIES = { full: 100, quick: 20 };
const INSERTS = { full: 200, quick: 20 };
const FIRST_QUERY_MS_MAX = 50;

export async function run({ quick, large, longRounds: rounds }) {
  const form = quick ? 'quick' : 'full';
  const figures = [];
  for (const rows of [...SIZES[form], ...(large ? [LARGE_ROWS[form]] : [])]) {
    figures.push(
      await measureSize({ rows, quick, rounds, queryCount: QUERIES[form], inserts: INSERTS[form] }),
    );
  }
  return {
    rows: [firstQueryRow(figures, rounds, large)],
    tables: [costTable(figures, rounds, QUERIES[form], INSERTS[form])],
    samples: { figures },
  };
}

async function measureSize({ rows, quick, rounds, queryCount, inserts }) {
  const path = freshPath('scale.rvf');
  const built = await runChild('grow', { path, rows, quick });
  const fresh = await freshFigures({ engine: 'rvf', path, setting: {}, queryCount }, rounds);
  const searched = await measureSearch({ path, queryCount, rounds });
  const { commitMs } = await runChild('write', {
    path,
    firstRow: rows,
    commits: inserts,
    rowsPerCommit: 1,
    quick,
  });
  removeFile(path);
  return { rows, ...built, ...fresh, ...searched, insertMs: commitMs };
}

/** Rate at the default quality, and how many of the exact neighbours it finds. */
async function measureSearch({ path, queryCount, rounds }) {
  const child = await startChild('search', { engine: 'rvf', path, queryCount });
  await child.ask({ use: { quality: 'exact' } });
  const exact = await child.ask({ find: K });
  await child.ask({ use: {} });
  const found = await child.ask({ find: K });
  const rates = [];
  for (let round = 0; round < rounds; round += 1) rates.push((await child.ask({ rate: K })).rate);
  await child.kill();
  return { rate: median(rates), recall: sharedShare(found.rows, exact.rows) };
}

function sharedShare(found, wanted) {
  const shared = found.map((rows, query) => rows.filter((row) => wanted[query].includes(row)).length);
  return shared.reduce((sum, each) => sum + each, 0) / wanted.flat().length;
}

function firstQueryRow(figures, rounds, large) {
  const { rows, firstQueryMs } = figures.at(-1);
  const row = {
    what: `first query of a fresh process, ${count(rows)} rows`,
    figure: milliseconds(firstQueryMs),
    value: firstQueryMs,
    how: `page cache warm, default quality, median of ${rounds} processes`,
  };
  if (!large) return reported(row);
  const met = firstQueryMs < FIRST_QUERY_MS_MAX;
  return judged({ ...row, criterion: `< ${FIRST_QUERY_MS_MAX} ms`, met });
}

function costTable(figures, rounds, queryCount, inserts) {
  const known = (value, text) => (value === undefined ? 'unknown' : text(value));
  return {
    caption: 'Cost by the number of rows',
    headings: [
      'rows',
      'ingest',
      'graph',
      'open',
      'first query',
      'queries/s',
      `recall@${K}`,
      'insert',
      'private memory',
      'file',
    ],
    cells: figures.map((figure) => [
      count(figure.rows),
      duration(figure.ingestMs),
      duration(figure.indexMs),
      milliseconds(figure.openMs),
      milliseconds(figure.firstQueryMs),
      number(figure.rate),
      figure.recall.toFixed(4),
      milliseconds(figure.insertMs),
      known(figure.privateBytes, bytes),
      bytes(figure.bytes),
    ]),
    how:
      `without metadata; beyond the data, rows between two real ones; ingest in batches of 1,000, then waitForIndex, with the ` +
      `threads that RVF takes by itself; open, first query and memory in fresh processes, page cache warm, medians of ${rounds}; ` +
      `${queryCount} queries at default quality one after another, recall against the exact ones; insert: median of ` +
      `${inserts} awaited ingestBatch of one entry`,
  };
}
