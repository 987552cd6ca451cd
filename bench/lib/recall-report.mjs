// The criteria and tables of the search section, from its figures.

import { canPin } from './child.mjs';
import { settingText } from './engines.mjs';
import { bytes, count, duration, milliseconds, number, rate, times } from './format.mjs';
import { median, pairedRatio } from './measure.mjs';
import { judged, reported } from './rows.mjs';

const RATIO_MIN = 5;
const BUILD_RATIO_MAX = 0.5;
const PRIVATE_BYTES_MAX = 16e6;
const BUILD_YARDSTICK = 'usearchF32';

export function recallCriteria(context) {
  const { engines, missing, targets } = context;
  const ours = engines.find(({ name }) => name === 'rvf');
  return [
    ...targets.map((target, index) => rateCriterion(context, ours, target, index)),
    buildCriterion(context, ours),
    ...(ours.fresh.privateBytes === undefined ? [] : [memoryCriterion(context, ours)]),
    ...Object.entries(missing).map(([label, why]) =>
      reported({ what: label, figure: `not measured: ${why}`, value: null, how: 'bench/peers' }),
    ),
  ];
}

const howSearched = ({ data, rounds, k }) =>
  `${count(data.rows)} x ${data.dimensions}, cosine, k = ${k}, queries one after another, page cache warm; each engine in a ` +
  `process of its own, medians of ${rounds} rounds in turns; between two settings the rate is interpolated`;

function rateCriterion(context, ours, target, index) {
  const { engines, peersMissing } = context;
  const peers = engines.filter(({ name, rates }) => name !== 'rvf' && rates[index] !== undefined);
  const best = peers.toSorted((a, b) => median(b.rates[index]) - median(a.rates[index]))[0];
  const own = ours.rates[index];
  const ratio = own === undefined || best === undefined ? Number.NaN : pairedRatio(own, best.rates[index]);
  const beside =
    best === undefined
      ? `nothing to compare with: ${peersMissing ?? 'no peer reaches it'}`
      : `${times(ratio)} ${best.label} (${rate(median(best.rates[index]), 'queries')})`;
  return judged({
    what: `querySync at recall@${context.k} ${target}`,
    figure: own === undefined ? 'not reached' : `${rate(median(own), 'queries')}, ${beside}`,
    value: ratio,
    criterion: `>= ${RATIO_MIN}x the best peer`,
    met: ratio >= RATIO_MIN,
    how: howSearched(context),
  });
}

function buildCriterion({ engines, data }, { build }) {
  const yardstick = engines.find(({ name }) => name === BUILD_YARDSTICK);
  const ratio = yardstick === undefined ? Number.NaN : build.buildMs / yardstick.build.buildMs;
  const beside = yardstick === undefined ? 'nothing to compare with' : `${times(ratio)} ${yardstick.label}`;
  return judged({
    what: 'building on one processor',
    figure:
      `${duration(build.buildMs)} (ingest ${duration(build.ingestMs)}, waitForIndex ${duration(build.indexMs)}), ${beside}` +
      (build.hasGraph ? '' : '; no graph is built in this version'),
    value: ratio,
    criterion: `<= ${BUILD_RATIO_MAX}x usearch f32`,
    met: build.hasGraph && ratio <= BUILD_RATIO_MAX,
    how: howBuilt(data),
  });
}

const howBuilt = (data) =>
  `${count(data.rows)} x ${data.dimensions}, once, from vectors in memory to a closed file` +
  (canPin ? ', the process held to one processor (taskset)' : ', the engine asked for one thread');

function memoryCriterion({ data }, { fresh }) {
  return judged({
    what: 'private memory of a process that searches',
    figure: `${bytes(fresh.privateBytes)} (and ${bytes(fresh.privateFileBytes)} of clean pages of its file)`,
    value: fresh.privateBytes,
    criterion: `<= ${bytes(PRIVATE_BYTES_MAX)}`,
    met: fresh.privateBytes <= PRIVATE_BYTES_MAX,
    how: howFresh(data),
  });
}

const howFresh = (data) =>
  `${count(data.rows)} rows; fresh processes, page cache warm, at the setting that reaches recall 0.95; memory: growth of ` +
  'Private_Clean + Private_Dirty around loading the package, open and all queries, garbage collected, less the clean pages ' +
  "of the index's own files";

export function recallTables(context) {
  return [searchTable(context), buildTable(context), pointsTable(context)];
}

function searchTable(context) {
  const { engines, targets } = context;
  const cells = engines.map(({ label, rates, points, fresh, build }) => [
    label,
    ...rates.map((ofTarget) => (ofTarget === undefined ? 'not reached' : number(median(ofTarget)))),
    Math.max(...points.map(({ recall }) => recall)).toFixed(3),
    milliseconds(fresh.openMs),
    milliseconds(fresh.firstQueryMs),
    fresh.privateBytes === undefined ? 'unknown' : bytes(fresh.privateBytes),
    bytes(build.bytes),
  ]);
  return {
    caption: 'Engines',
    headings: [
      'engine',
      ...targets.map((target) => `queries/s at ${target}`),
      'best recall',
      'open',
      'first query',
      'private memory',
      'files',
    ],
    cells,
    how: `${howSearched(context)}. Open, first query, memory: ${howFresh(context.data)}`,
  };
}

function buildTable({ engines, data }) {
  return {
    caption: 'Building',
    headings: ['engine', 'one processor', 'its processor time', 'own threads', 'its processor time'],
    cells: engines.map(({ label, build: { buildMs, processorMs, own } }) => [
      label,
      duration(buildMs),
      duration(processorMs),
      own === undefined ? 'has one thread' : duration(own.buildMs),
      own === undefined ? '' : duration(own.processorMs),
    ]),
    how: `${howBuilt(data)}; then as many threads as the engine takes by itself. M = 16, efConstruction = 200`,
  };
}

function pointsTable(context) {
  return {
    caption: 'Settings',
    headings: ['engine', 'setting', `recall@${context.k}`, 'queries/s', 'queries'],
    cells: context.engines.flatMap(({ label, points, asked }) =>
      points.map(({ setting, recall, rate: found }) => [
        label,
        settingText(setting),
        recall.toFixed(4),
        number(found),
        count(asked),
      ]),
    ),
    how: howSearched(context),
  };
}
