// The tiers of quality: recall and rate of each, in stores of several sizes.

import { RvfDatabase } from '@ruvector/rvf';
import { firstRows } from './data.mjs';
import { queriesFor } from './engines.mjs';
import { count, number, times } from './format.mjs';
import { builtIndex } from './index-files.mjs';
import { alternate, median, pairedRatio, queriesPerSecond } from './measure.mjs';
import { judged } from './rows.mjs';
import { rowsOfHits } from './rvf-engine.mjs';
import { recall } from './truth.mjs';

/** The least recall that each tier promises; `default` is what a query without a tier gets. */
const FLOORS = { fast: 0.7, balanced: 0.9, default: 0.95, precise: 0.99, exact: 1 };
/** Each of these is to be at least so many times as quick as the next. */
const LADDER = ['fast', 'balanced', 'precise'];
const STEP_MIN = 2;
const KS = [10, 100];
/** Where true neighbours are not listed they are found by looking at every row, so fewer are asked. */
const QUERIES_NOT_LISTED = 300;
const SIZES = { full: [1_000, 10_000], quick: [500] };

export async function measureTiers({ data, queryCount, rounds, quick }) {
  const figures = [];
  for (const rows of [...SIZES[quick ? 'quick' : 'full'], data.rows]) {
    const part = firstRows(data, rows);
    const { path } = await builtIndex({ engine: 'rvf', rows, quick });
    const asked = part.listedNeighbours === undefined ? Math.min(queryCount, QUERIES_NOT_LISTED) : queryCount;
    const db = await RvfDatabase.openReadonly(path);
    for (const k of KS) figures.push({ rows, k, asked, tiers: await measureOne(db, part, k, asked, rounds) });
    await db.close();
  }
  return figures;
}

async function measureOne(db, data, k, asked, rounds) {
  const queries = queriesFor('rvf', data, asked);
  const tiers = {};
  const turns = {};
  for (const name of Object.keys(FLOORS)) {
    const options = name === 'default' ? {} : { quality: name };
    const search = (query) => db.querySync(query, k, options);
    const found = queries.map((query) => rowsOfHits(search(query)));
    tiers[name] = { recall: recall(data, found, k) };
    turns[name] = () => queriesPerSecond(queries, search);
  }
  const rates = await alternate(rounds, turns);
  for (const name of Object.keys(tiers)) tiers[name].rates = rates[name];
  return tiers;
}

export function tierRows(figures, rounds) {
  const how = `querySync, k = ${KS.join(' and ')}, stores of ${sizesOf(figures)} rows, against the true neighbours`;
  const floors = Object.entries(FLOORS).map(([name, floor]) => {
    const lowest = Math.min(...figures.map(({ tiers }) => tiers[name].recall));
    return judged({
      what: `recall of the tier ${name}, the lowest of all sizes`,
      figure: lowest.toFixed(4),
      value: lowest,
      criterion: name === 'exact' ? '= 1' : `>= ${floor}`,
      met: lowest >= floor,
      how,
    });
  });
  const { rows, tiers } = figures.findLast(({ k }) => k === KS[0]);
  const steps = LADDER.slice(1).map((slower, index) => {
    const quicker = LADDER[index];
    const ratio = pairedRatio(tiers[quicker].rates, tiers[slower].rates);
    return judged({
      what: `the tier ${quicker} beside ${slower}, ${count(rows)} rows`,
      figure: times(ratio),
      value: ratio,
      criterion: `>= ${STEP_MIN}x`,
      met: ratio >= STEP_MIN,
      how: `querySync, k = ${KS[0]}, medians of ${rounds} rounds in turns`,
    });
  });
  return [...floors, ...steps];
}

export function tierTable(figures, rounds) {
  const names = Object.keys(FLOORS);
  return {
    caption: 'Tiers of quality: recall, queries/s',
    headings: ['rows', 'k', ...names],
    cells: figures.map(({ rows, k, tiers }) => [
      count(rows),
      String(k),
      ...names.map((name) => `${tiers[name].recall.toFixed(4)}, ${number(median(tiers[name].rates))}`),
    ]),
    how:
      `querySync one after another, medians of ${rounds} rounds in turns; queries: ` +
      figures
        .filter(({ k }) => k === KS[0])
        .map(({ rows, asked }) => `${count(asked)} at ${count(rows)} rows`)
        .join(', '),
  };
}

function sizesOf(figures) {
  return [...new Set(figures.map(({ rows }) => count(rows)))].join(' / ');
}
