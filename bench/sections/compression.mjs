// What each way of keeping vectors takes and finds, beside the peers that keep compact ones.

import { runChild } from '../lib/child.mjs';
import { compressionRows, compressionTables } from '../lib/compression-report.mjs';
import { firstRows } from '../lib/data.mjs';
import { ENGINES } from '../lib/engines.mjs';
import { freshFigures } from '../lib/fresh-figures.mjs';
import { freshPath, removeFile } from '../lib/scratch.mjs';
import { buildAll, engineFigures, measureCurves } from '../lib/search-curves.mjs';

export const title = 'Compression: size, memory, recall';

const QUICK = { rows: 2_000, queries: 100 };
const LARGE_ROWS = { full: 1_000_000, quick: 10_000 };
const QUERIES_OF_MANY = 1_000;
const TARGETS = [0.9, 0.95, 0.99];
const PEERS = ['usearchI8', 'zvecInt8', 'zvecRabitq'];
const OURS = Object.keys(ENGINES).filter((name) => ENGINES[name].isCompressed && name.startsWith('rvf'));

export async function run({ data: all, quick, large, longRounds: rounds, peersMissing }) {
  const data = quick ? firstRows(all, QUICK.rows) : all;
  const queryCount = quick ? Math.min(QUICK.queries, data.queryCount) : data.queryCount;
  const missing = {};
  const names = [...OURS, ...(peersMissing === undefined ? PEERS : [])];
  const builds = await buildAll(names, { rows: data.rows, quick, hasOwnThreads: false }, missing);
  const curves = await measureCurves(builds, { data, queryCount, rounds, quick }, missing);

  const task = { queryCount, rounds, targets: TARGETS, freshAt: TARGETS[1] };
  const engines = await engineFigures(curves, builds, task);
  const many = large ? await memoryOfMany(quick) : [];
  const context = { engines, many, missing, peersMissing, data, rounds, targets: TARGETS };
  return {
    versions: Object.assign({}, ...Object.values(builds).map(({ versions }) => versions)),
    rows: compressionRows(context),
    tables: compressionTables(context),
    samples: { engines, missing },
  };
}

/** What a fresh process that searches a large store has in memory: its own, and the pages of the file that it has touched. */
async function memoryOfMany(quick) {
  const figures = [];
  for (const compression of ['scalar', 'product']) {
    const path = freshPath('many.rvf');
    const rows = LARGE_ROWS[quick ? 'quick' : 'full'];
    const built = await runChild('grow', { path, rows, quick, options: { compression } });
    const task = { engine: 'rvf', path, setting: {}, queryCount: QUERIES_OF_MANY };
    figures.push({ compression, rows, ...built, ...(await freshFigures(task, 1)) });
    removeFile(path);
  }
  return figures;
}
