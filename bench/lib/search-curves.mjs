// Recall against queries per second of several engines, each built and searched in processes of its own.

import { root } from '../../scripts/lib/steps.mjs';
import { startChild } from './child.mjs';
import { pointAt, rateAt } from './curve.mjs';
import { ENGINES } from './engines.mjs';
import { freshFigures } from './fresh-figures.mjs';
import { buildWithOwnThreads, builtIndex } from './index-files.mjs';
import { alternate, median } from './measure.mjs';
import { recall } from './truth.mjs';

const K = 10;

/** Builds every engine's index; one that cannot be built costs no other its figures. */
export async function buildAll(names, { hasOwnThreads, ...task }, missing) {
  const builds = {};
  for (const name of names) {
    try {
      const one = await builtIndex({ engine: name, ...task });
      const hasOwn = hasOwnThreads && !ENGINES[name].hasOneThread;
      const own = hasOwn ? await buildWithOwnThreads({ engine: name, ...task }) : undefined;
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

/** What is reported of each engine: its curve, its rates at the recalls asked for, and what a fresh process pays at one. */
export async function engineFigures(curves, builds, { queryCount, rounds, targets, freshAt }) {
  const engines = [];
  for (const [name, { points, alone, asked }] of Object.entries(curves)) {
    const setting = pointAt(points, freshAt).setting;
    const fresh = await freshFigures({ engine: name, path: builds[name].path, setting, queryCount }, rounds);
    const rates = targets.map((target) => ratesOf(points, target, rounds));
    engines.push({
      name,
      label: ENGINES[name].label,
      points,
      alone,
      asked,
      rates,
      fresh,
      build: builds[name],
    });
  }
  return engines;
}

/** Recall and rates of every setting of every engine, each engine in a process of its own, in turns. */
export async function measureCurves(builds, { data, queryCount, rounds, quick }, missing) {
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
  let alone;
  for (const setting of settings) {
    points.push({ setting, recall: await recallOf(child, setting, data), rates: [] });
  }
  for (const setting of ENGINES[task.engine].alone ?? []) {
    alone = await recallOf(child, setting, data);
  }
  return { child, points, alone, asked: task.queryCount };
}

async function recallOf(child, setting, data) {
  await child.ask({ use: setting });
  const { rows } = await child.ask({ find: K });
  return recall(data, rows, K);
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
