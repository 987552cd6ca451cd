// What each way of keeping vectors takes and finds, beside the peers that keep compact ones.

import { compressionRows, compressionTables } from '../lib/compression-report.mjs';
import { firstRows } from '../lib/data.mjs';
import { ENGINES } from '../lib/engines.mjs';
import { buildAll, engineFigures, measureCurves } from '../lib/search-curves.mjs';

export const title = 'Compression: size, memory, recall';

const QUICK = { rows: 2_000, queries: 100 };
const TARGETS = [0.9, 0.95, 0.99];
const PEERS = ['usearchI8', 'zvecInt8', 'zvecRabitq'];
const OURS = Object.keys(ENGINES).filter((name) => ENGINES[name].isCompressed && name.startsWith('rvf'));

export async function run({ data: all, quick, longRounds: rounds, peersMissing }) {
  const data = quick ? firstRows(all, QUICK.rows) : all;
  const queryCount = quick ? Math.min(QUICK.queries, data.queryCount) : data.queryCount;
  const missing = {};
  const names = [...OURS, ...(peersMissing === undefined ? PEERS : [])];
  const builds = await buildAll(names, { rows: data.rows, quick, hasOwnThreads: false }, missing);
  const curves = await measureCurves(builds, { data, queryCount, rounds, quick }, missing);

  const task = { queryCount, rounds, targets: TARGETS, freshAt: TARGETS[1] };
  const engines = await engineFigures(curves, builds, task);
  const context = { engines, missing, peersMissing, data, rounds, targets: TARGETS };
  return {
    versions: Object.assign({}, ...Object.values(builds).map(({ versions }) => versions)),
    rows: compressionRows(context),
    tables: compressionTables(context),
    samples: { engines, missing },
  };
}
