// The ways to ask RVF, beside each other: querySync, awaited one after another, many at once, batches, two processes;
// whether the event loop goes on meanwhile; and the tiers of quality.

import { RvfDatabase } from '@ruvector/rvf';
import { startChild } from '../lib/child.mjs';
import { firstRows } from '../lib/data.mjs';
import { ENGINES, queriesFor } from '../lib/engines.mjs';
import { count, milliseconds, rate, times } from '../lib/format.mjs';
import { builtIndex } from '../lib/index-files.mjs';
import {
  alternate,
  inFlightRate,
  longestStallMs,
  median,
  pairedRatio,
  queriesPerSecond,
} from '../lib/measure.mjs';
import { judged, reported } from '../lib/rows.mjs';
import { rowsOfHits } from '../lib/rvf-engine.mjs';
import { measureTiers, tierRows, tierTable } from '../lib/tiers.mjs';
import { recall } from '../lib/truth.mjs';

export const title = 'Ways to ask';

const K = 10;
const WIDTH = 16;
const QUICK = { rows: 2_000, queries: 100 };
/** For each recall that is aimed at: what awaiting may cost. */
const AWAITED_MIN = { 0.95: 0.5, 0.99: 0.75 };
const IN_FLIGHT_MIN = 1.4;
const BATCH_MIN = 0.9;
/** An event loop that waited for all that are under way would stand still for as long as all of them take. */
const STALL_SHARE_MAX = 0.5;

export async function run({ data: all, quick, longRounds: rounds }) {
  const data = quick ? firstRows(all, QUICK.rows) : all;
  const queryCount = Math.min(data.queryCount, quick ? QUICK.queries : data.queryCount);
  const { path } = await builtIndex({ engine: 'rvf', rows: data.rows, quick });
  const described = await builtIndex({ engine: 'rvf', rows: data.rows, quick, isDescribed: true });
  const context = { data, queryCount, rounds, quick, path, queries: queriesFor('rvf', data, queryCount) };

  const db = await RvfDatabase.openReadonly(path);
  const dbDescribed = await RvfDatabase.openReadonly(described.path);
  const widths = findWidths(db, context);
  const rates = await measureWays({ db, dbDescribed, widths, ...context });
  const stalls = await measureStalls(db, widths, context);
  await db.close();
  await dbDescribed.close();
  const tiers = await measureTiers(context);
  return {
    rows: [...wayRows(rates, widths, context), ...stallRows(stalls, context), ...tierRows(tiers, rounds)],
    tables: [tierTable(tiers, rounds)],
    samples: { widths, rates, stalls, tiers },
  };
}

/** The narrowest search that reaches each recall, or the widest there is. */
function findWidths(db, { data, queries }) {
  const tried = ENGINES.rvf.points.map((setting) => ({
    setting,
    recall: recall(
      data,
      queries.map((query) => rowsOfHits(db.querySync(query, K, setting))),
      K,
    ),
  }));
  const reach = (target) => tried.find((one) => one.recall >= target) ?? tried.at(-1);
  return Object.fromEntries(Object.keys(AWAITED_MIN).map((target) => [target, reach(Number(target))]));
}

async function measureWays({ db, dbDescribed, widths, data, queryCount, rounds, path, queries }) {
  const turns = {};
  for (const [target, { setting }] of Object.entries(widths)) {
    const search = (query) => db.querySync(query, K, setting);
    const searchAwaited = (query) => db.query(query, K, setting);
    turns[`sync ${target}`] = () => queriesPerSecond(queries, search);
    turns[`awaited ${target}`] = () => queriesPerSecond(queries, searchAwaited, { isAwaited: true });
    turns[`in flight ${target}`] = () => inFlightRate(queries, searchAwaited, WIDTH);
  }
  const { setting } = widths[0.95];
  turns.described = () => queriesPerSecond(queries, (query) => dbDescribed.querySync(query, K, setting));
  const together = data.queries.subarray(0, queryCount * data.dimensions);
  const askBatch = () => db.queryBatch(together, K, setting);
  turns.batch = async () => queryCount * (await queriesPerSecond([together], askBatch, { isAwaited: true }));
  const children = [];
  for (let child = 0; child < 2; child += 1) {
    const started = await startChild('search', { engine: 'rvf', path, queryCount });
    await started.ask({ use: setting });
    await started.ask({ find: K });
    children.push(started);
  }
  turns.processes = async () => {
    const answers = await Promise.all(children.map((child) => child.ask({ rate: K })));
    return answers.reduce((sum, answer) => sum + answer.rate, 0);
  };
  for (const turn of Object.values(turns)) await turn();
  const rates = await alternate(rounds, turns);
  for (const child of children) await child.kill();
  return rates;
}

async function measureStalls(db, widths, { queries, rounds }) {
  const during = (options) =>
    longestStallMs(() => inFlightRate(queries, (query) => db.query(query, K, options), WIDTH));
  const figures = await alternate(rounds, {
    graph: () => during(widths[0.95].setting),
    exact: () => during({ quality: 'exact' }),
  });
  const exactRate = await queriesPerSecond(queries.slice(0, 50), (query) =>
    db.querySync(query, K, { quality: 'exact' }),
  );
  return { ...figures, exactMs: 1000 / exactRate };
}

function wayRows(rates, widths, { data, rounds, queryCount }) {
  const how =
    `${count(data.rows)} x ${data.dimensions}, k = ${K}, ${count(queryCount)} queries again and again, without metadata, ` +
    `medians of ${rounds} rounds in turns`;
  const beside = (what, name, yardstick, yardstickText, least) => {
    const ratio = pairedRatio(rates[name], rates[yardstick]);
    const text = `${rate(median(rates[name]), 'queries')}, ${times(ratio)} ${yardstickText}`;
    const row = { what, figure: text, value: ratio, how };
    if (least === undefined) return reported(row);
    return judged({ ...row, criterion: `>= ${least}x ${yardstickText}`, met: ratio >= least });
  };
  const perTarget = Object.entries(widths).flatMap(([target, { setting, recall: reached }]) => {
    const sync = `sync ${target}`;
    const at = `recall ${target}`;
    return [
      reported({
        what: `querySync, ${at}`,
        figure: `${rate(median(rates[sync]), 'queries')}, efSearch ${setting.efSearch}, recall ${reached.toFixed(4)}`,
        value: median(rates[sync]),
        how,
      }),
      beside(
        `await query() one after another, ${at}`,
        `awaited ${target}`,
        sync,
        'querySync',
        AWAITED_MIN[target],
      ),
      beside(
        `await query(), ${WIDTH} in flight, ${at}`,
        `in flight ${target}`,
        sync,
        'querySync',
        IN_FLIGHT_MIN,
      ),
    ];
  });
  const batch = `queryBatch of ${count(queryCount)}, recall 0.95`;
  return [
    ...perTarget,
    beside(batch, 'batch', 'processes', 'two processes with querySync at once', BATCH_MIN),
    beside('querySync with metadata in the answer, recall 0.95', 'described', 'sync 0.95', 'without'),
  ];
}

function stallRows({ graph, exact, exactMs }, { data, rounds }) {
  const limitMs = WIDTH * exactMs * STALL_SHARE_MAX;
  const how =
    `by how much a timer of 1 ms was late at most while ${WIDTH} queries were in flight, ${count(data.rows)} rows, median of ` +
    `${rounds} rounds`;
  return [
    reported({
      what: 'longest stall of the event loop, recall 0.95',
      figure: milliseconds(median(graph)),
      value: median(graph),
      how,
    }),
    judged({
      what: 'longest stall of the event loop, exact queries',
      figure: milliseconds(median(exact)),
      value: median(exact),
      criterion: `<= ${milliseconds(limitMs)}, half of what ${WIDTH} of them take one after another`,
      met: median(exact) <= limitMs,
      how,
    }),
  ];
}
