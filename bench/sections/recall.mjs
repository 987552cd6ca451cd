// Search through an index: recall against queries per second, building, size and memory, beside the peers from npm.

import { firstRows } from '../lib/data.mjs';
import { ENGINES } from '../lib/engines.mjs';
import { recallCriteria, recallTables } from '../lib/recall-report.mjs';
import { buildAll, engineFigures, measureCurves } from '../lib/search-curves.mjs';

export const title = 'Search: recall and queries per second';

const K = 10;
const QUICK = { rows: 2_000, queries: 100 };
const TARGETS = [0.95, 0.99];

export async function run({ data: all, quick, longRounds: rounds, peersMissing }) {
  const data = quick ? firstRows(all, QUICK.rows) : all;
  const queryCount = Math.min(data.queryCount, quick ? QUICK.queries : data.queryCount);
  const missing = {};
  const names = Object.keys(ENGINES).filter(
    (name) => !ENGINES[name].isCompressed && (name === 'rvf' || peersMissing === undefined),
  );
  const builds = await buildAll(names, { rows: data.rows, quick, hasOwnThreads: true }, missing);
  const curves = await measureCurves(builds, { data, queryCount, rounds, quick }, missing);

  const task = { queryCount, rounds, targets: TARGETS, freshAt: TARGETS[0] };
  const engines = await engineFigures(curves, builds, task);
  const context = { engines, missing, peersMissing, data, rounds, targets: TARGETS, k: K };
  return {
    versions: Object.assign({}, ...Object.values(builds).map(({ versions }) => versions)),
    rows: recallCriteria(context),
    tables: recallTables(context),
    samples: { engines, missing },
  };
}
