// Search through an index: recall against queries per second, building, size and memory, beside the peers from npm.

import { root } from '../../scripts/lib/steps.mjs';
import { startChild } from '../lib/child.mjs';
import { pointAt, rateAt } from '../lib/curve.mjs';
import { firstRows } from '../lib/data.mjs';
import { ENGINES } from '../lib/engines.mjs';
import { freshFigures } from '../lib/fresh-figures.mjs';
import { buildWithOwnThreads, builtIndex } from '../lib/index-files.mjs';
import { alternate, median } from '../lib/measure.mjs';
import { recallCriteria, recallTables } from '../lib/recall-report.mjs';
import { recall } from '../lib/truth.mjs';

export const title = 'Search: recall and queries per second';

const K = 10;
const QUICK = { rows: 2_000, queries: 100 };
const TARGETS = [0.95, 0.99];

export async function run({ data: all, quick, longRounds: rounds, peersMissing }) {
  const data = quick ? firstRows(all, QUICK.rows) : all;
  const queryCount = Math.min(data.queryCount, quick ? QUICK.queries : data.queryCount);
  const missing = {};
  const names = Object.keys(ENGINES).filter((name) => name === 'rvf' || peersMissing === undefined);
  const builds = await buildAll(names, { rows: data.rows, quick }, missing);
  const curves = await measureCurves(builds, { data, queryCount, rounds, quick }, missing);

  const engines = [];
  for (const [name, { points, asked }] of Object.entries(curves)) {
    const setting = pointAt(points, TARGETS[0]).setting;
    const fresh = await freshFigures({ engine: name, path: builds[name].path, setting, queryCount }, rounds);
    const rates = TARGETS.map((target) => ratesOf(points, target, rounds));
    engines.push({ name, label: ENGINES[name].label, points, asked, rates, fresh, build: builds[name] });
  }
  const context = { engines, missing, peersMissing, data, rounds, targets: TARGETS, k: K };
  return {
    versions: Object.assign({}, ...Object.values(builds).map(({ versions }) => versions)),
    rows: recallCriteria(context),
    tables: recallTables(context),
    samples: { engines, missing },
  };
}

/** Builds every engine's index; one that cannot be built costs no other its figures. */
async function buildAll(names, task, missing) {
  const builds = {};
  for (const name of names) {
    try {
      const one = await builtIndex({ engine: name, ...task });
      const own = ENGINES[name].hasOneThread
        ? undefined
        : await buildWithOwnThreads({ engine: name, ...task });
      builds[name] = { ...one, own };
    } catch (error) {
      if (name === 'rvf') throw error;
      missing[ENGINES[name].label] = whyMissing(error);
    }
  }
  return builds;
}

/** Without the places of files, which are no part of a report. */
function whyMissing({ message }) {
  return /cannot find|could not locate|no native build/i.test(message)
    ? 'not installed'
    : message.split('\n')[0].replaceAll(root, '.');
}

/** Recall and rates of every setting of every engine, each engine in a process of its own, in turns. */
async function measureCurves(builds, { data, queryCount, rounds, quick }, missing) {
  const subjects = {};
  for (const [name, { path }] of Object.entries(builds)) {
    const { label, points, queries = queryCount } = ENGINES[name];
    try {
      const asked = Math.min(queryCount, queries);
      const settings = quick ? fewOf(points) : points;
      subjects[name] = await warmedUp({ engine: name, path, queryCount: asked }, settings, data);
    } catch (error) {
      if (name === 'rvf') throw error;
      missing[label] = whyMissing(error);
    }
  }
  const turns = Object.entries(subjects).map(([name, subject]) => [name, () => measureOnce(subject)]);
  await alternate(rounds, Object.fromEntries(turns));
  for (const { child, points } of Object.values(subjects)) {
    for (const point of points) point.rate = median(point.rates);
    await child.kill();
  }
  return subjects;
}

/** The recall of each setting; also the warm-up: each block is checked at its first touch, and first queries are compiled. */
async function warmedUp(task, settings, data) {
  const child = await startChild('search', task);
  const points = [];
  for (const setting of settings) {
    await child.ask({ use: setting });
    const { rows } = await child.ask({ find: K });
    points.push({ setting, recall: recall(data, rows, K), rates: [] });
  }
  return { child, points, asked: task.queryCount };
}

async function measureOnce({ child, points }) {
  for (const point of points) {
    await child.ask({ use: point.setting });
    const { rate } = await child.ask({ rate: K });
    point.rates.push(rate);
  }
}

/** The rate at a recall in each round; undefined where it is not reached. */
function ratesOf(points, target, rounds) {
  const ofRound = (round) =>
    points.map(({ recall: reached, rates }) => ({ recall: reached, rate: rates[round] }));
  const rates = Array.from({ length: rounds }, (_, round) => rateAt(ofRound(round), target));
  return rates.includes(undefined) ? undefined : rates;
}

function fewOf(points) {
  return points.filter((_, index) => [0, points.length >> 1, points.length - 1].includes(index));
}
