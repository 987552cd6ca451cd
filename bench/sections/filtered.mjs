// Searching with filters through an index, beside the peers that have both: the same data, filters and queries.

import { vectorAt } from '../lib/data.mjs';
import { FILTERED_ENGINES } from '../lib/filtered-engines.mjs';
import { count, number, rate, times } from '../lib/format.mjs';
import { alternate, median, pairedRatio, queriesPerSecond } from '../lib/measure.mjs';
import { filterFor, KINDS, placesOf, rowsThatFit } from '../lib/places.mjs';
import { judged, reported } from '../lib/rows.mjs';
import { nearestAmong } from '../lib/truth.mjs';

export const title = 'Search with filters';

const K = 10;
const SHARES = [0.5, 0.1, 0.01, 0.001];
const QUERIES = { full: 100, quick: 20 };
const RECALL_MIN = 0.95;
const RATIO_MIN = 0.5;
/** Filters that a user is promised something of; `far` is reported and held to its recall alone. */
const JUDGED_RATE = ['any', 'near'];

export async function run({ data, quick, longRounds: rounds, peersMissing }) {
  const columns = placesOf(data);
  const queries = Array.from({ length: QUERIES[quick ? 'quick' : 'full'] }, (_, query) =>
    vectorAt(data.queries, data.dimensions, query),
  );
  const missing = {};
  const engines = await openAll(data, columns, peersMissing, missing);
  const plain = await measure(
    engines,
    queries.map((vector) => ({ vector })),
    rounds,
  );
  const points = [];
  for (const kind of KINDS) {
    for (const share of SHARES) {
      const asked = queries.map((vector) => ({ vector, filter: filterFor(data, kind, share, vector) }));
      const recalls = await recallsOf(engines, asked, data, columns);
      const figures = await measure(engines, asked, rounds);
      points.push({ kind, share, recalls, ...figures, plan: await planOf(engines.rvf, asked) });
    }
  }
  const versions = Object.assign({}, ...Object.values(engines).map((engine) => engine.versions));
  const settings = Object.entries(engines).filter(([, { setting }]) => setting !== undefined);
  for (const engine of Object.values(engines)) await engine.close();
  const how =
    `${count(data.rows)} x ${data.dimensions}, cosine, k = ${K}, default tier, ${queries.length} queries one after another, each ` +
    `with the filter of its kind, medians of ${rounds} rounds in turns, all in one process` +
    settings.map(([name, { setting }]) => `; ${FILTERED_ENGINES[name].label}: ${setting}`).join('');
  return {
    versions,
    rows: [
      ...points.map((point) => criterion(point, plain, how)),
      ...Object.entries(missing).map(([label, why]) =>
        reported({ what: label, figure: `not measured: ${why}`, value: null, how: 'bench/peers' }),
      ),
    ],
    tables: [table(points, plain, Object.keys(engines), how)],
    samples: { plain, points },
  };
}

async function openAll(data, columns, peersMissing, missing) {
  const engines = {};
  for (const [name, { open, label, isPeer }] of Object.entries(FILTERED_ENGINES)) {
    if (isPeer && peersMissing !== undefined) {
      missing[label] = peersMissing;
      continue;
    }
    try {
      engines[name] = await open(data, columns);
    } catch (error) {
      if (!isPeer) throw error;
      missing[label] = error.message.split('\n')[0];
    }
  }
  return engines;
}

const prepared = (engine, asked) =>
  asked.map(({ vector, filter }) => ({ vector, filter: filter && engine.prepare(filter) }));

/** Queries per second of each engine in each round, and what ours are beside the same round without a filter. */
async function measure(engines, asked, rounds) {
  const turns = Object.entries(engines).map(([name, engine]) => {
    const own = prepared(engine, asked);
    const search = ({ vector, filter }) => engine.search(vector, K, filter);
    const isAwaited = FILTERED_ENGINES[name].isAwaited ?? false;
    return [name, () => queriesPerSecond(own, search, { isAwaited })];
  });
  const unfiltered = asked.map(({ vector }) => vector);
  const plainly = () => queriesPerSecond(unfiltered, (vector) => engines.rvf.search(vector, K));
  const { plainly: beside, ...rates } = await alternate(rounds, { ...Object.fromEntries(turns), plainly });
  return { rates, ratio: pairedRatio(rates.rvf, beside) };
}

async function recallsOf(engines, asked, data, columns) {
  const truths = asked.map(({ vector, filter }) =>
    nearestAmong(data, vector, rowsThatFit(columns, filter), K),
  );
  const recalls = {};
  for (const [name, engine] of Object.entries(engines)) {
    let [found, wanted] = [0, 0];
    for (const [index, { vector, filter }] of prepared(engine, asked).entries()) {
      const rows = engine.rowsOf(await engine.search(vector, K, filter));
      found += new Set(rows.filter(truths[index].isNear)).size;
      wanted += truths[index].most;
    }
    recalls[name] = found / wanted;
  }
  return recalls;
}

/** How our answers were found, and how many rows were visited for one. */
async function planOf(engine, asked) {
  const strategies = new Set();
  let visited = 0;
  for (const { vector, filter } of prepared(engine, asked)) {
    const plan = await engine.strategyOf(vector, K, filter);
    strategies.add(plan.strategy);
    visited += plan.visited;
  }
  return { strategies: [...strategies], visited: visited / asked.length };
}

const nameOf = ({ kind, share }) => `${kind}, ${share * 100} %`;

function criterion(point, plain, how) {
  const { kind, recalls, rates, ratio, plan } = point;
  const hasRate = JUDGED_RATE.includes(kind);
  return judged({
    what: `querySync with a filter, ${nameOf(point)}`,
    figure: `recall ${recalls.rvf.toFixed(4)}, ${rate(median(rates.rvf), 'queries')}, ${times(ratio)} without a filter; ${plan.strategies.join(', ')}, ${count(Math.round(plan.visited))} visited`,
    value: ratio,
    criterion: `recall@${K} >= ${RECALL_MIN}${hasRate ? `, >= ${RATIO_MIN}x without a filter` : ''}`,
    met: recalls.rvf >= RECALL_MIN && (!hasRate || ratio >= RATIO_MIN),
    how: `${how}; without a filter ${rate(median(plain.rates.rvf), 'queries')}`,
  });
}

function table(points, plain, names, how) {
  const ratesOf = (rates) => names.map((name) => number(median(rates[name])));
  return {
    caption: 'With filters, beside the peers: recall, queries/s',
    headings: ['filter', ...names.map((name) => FILTERED_ENGINES[name].label)],
    cells: [
      ['none', ...ratesOf(plain.rates)],
      ...points.map((point) => [
        nameOf(point),
        ...names.map((name) => `${point.recalls[name].toFixed(4)}, ${number(median(point.rates[name]))}`),
      ]),
    ],
    how,
  };
}
