// The criteria and tables of the section on compression, from its figures.

import { canPin } from './child.mjs';
import { settingText } from './engines.mjs';
import { bytes, count, duration, number } from './format.mjs';
import { median } from './measure.mjs';
import { judged, reported } from './rows.mjs';

/** Of each kind: the most that the file may take, as a share of the vectors, and the least recall of what it keeps. */
const CRITERIA = {
  rvfCompacted: { share: 1.5 },
  rvfScalar: { share: 0.47, recall: 0.97 },
  rvfProduct: { share: 0.3, recall: 0.88 },
  rvfBinary: { recall: 0.6 },
};

export function compressionRows(context) {
  const { engines, many, missing, peersMissing } = context;
  const rows = [];
  for (const engine of engines) {
    const { share, recall } = CRITERIA[engine.name] ?? {};
    if (share !== undefined) rows.push(sizeRow(context, engine, share));
    if (recall !== undefined) rows.push(recallRow(engine, recall));
  }
  rows.push(...many.filter(({ privateBytes }) => privateBytes !== undefined).map(memoryRow));
  const absent = peersMissing === undefined ? missing : { peers: peersMissing, ...missing };
  const notMeasured = Object.entries(absent).map(([what, why]) =>
    reported({ what, figure: `not measured: ${why}`, value: null, how: 'bench/peers' }),
  );
  return [...rows, ...notMeasured];
}

/** Most bytes in memory at a million rows, of each kind. */
const MEMORY_MAX = { scalar: 1e9, product: 500e6 };

function memoryRow({ compression, rows, privateBytes, privateFileBytes, bytes: fileBytes, indexMs }) {
  const inMemory = privateBytes + privateFileBytes;
  return judged({
    what: `RVF ${compression}: memory in use for search, ${count(rows)} rows`,
    figure: `${bytes(inMemory)} (${bytes(privateBytes)} of its own, the rest pages of its file of ${bytes(fileBytes)}); graph ${duration(indexMs)}`,
    value: inMemory,
    criterion: `<= ${bytes(MEMORY_MAX[compression])}`,
    met: inMemory <= MEMORY_MAX[compression],
    how: 'rows between two real ones beyond the data; a fresh process after 1,000 queries at default quality: growth of Private_Clean + Private_Dirty since before loading the package',
  });
}

const rawBytes = (data) => data.rows * data.dimensions * Float32Array.BYTES_PER_ELEMENT;

function sizeRow({ data }, { label, build }, shareMax) {
  const share = build.bytes / rawBytes(data);
  return judged({
    what: `${label}: file after compact()`,
    figure: `${bytes(build.bytes)}, ${share.toFixed(3)} of the vectors`,
    value: share,
    criterion: `<= ${shareMax}`,
    met: share <= shareMax,
    how: `${howBuilt(data)}; without metadata`,
  });
}

function recallRow({ label, alone, build }, recallMin) {
  const measured = build.packed?.measured;
  const said = measured === undefined ? '' : `; status() says ${measured.recall.toFixed(3)} of its sample`;
  return judged({
    what: `${label}: recall@10 of what is kept alone`,
    figure: `${alone.toFixed(4)}${said}`,
    value: alone,
    criterion: `>= ${recallMin}`,
    met: alone >= recallMin,
    how: "quality 'exact' over the stored vectors, against the true neighbours by the vectors as they were given",
  });
}

const howBuilt = (data) =>
  `${count(data.rows)} x ${data.dimensions}, cosine, M = 16, efConstruction = 200, built once` +
  (canPin ? ' by one processor (taskset)' : ', asked for one thread');

export function compressionTables({ engines, data, rounds, targets }) {
  const best = (points) => Math.max(...points.map(({ recall }) => recall));
  return [
    {
      caption: 'Ways of keeping vectors',
      headings: [
        '',
        'files',
        'of the vectors',
        'private memory',
        'built in',
        ...targets.map(rateHeading),
        'best recall',
      ],
      cells: engines.map(({ label, points, rates, fresh, build }) => [
        label,
        bytes(build.bytes),
        (build.bytes / rawBytes(data)).toFixed(3),
        fresh.privateBytes === undefined ? 'unknown' : bytes(fresh.privateBytes),
        duration(build.buildMs),
        ...rates.map((ofTarget) => (ofTarget === undefined ? 'not reached' : number(median(ofTarget)))),
        best(points).toFixed(3),
      ]),
      how:
        `${howBuilt(data)}, from vectors in memory to a closed file, RVF with waitForIndex() and compact(); k = 10, queries ` +
        `one after another, each engine in a process of its own, medians of ${rounds} rounds in turns; memory less clean ` +
        "pages of the index's own files",
    },
    {
      caption: 'Settings of each way',
      headings: ['', 'setting', 'recall@10', 'queries/s'],
      cells: engines.flatMap(({ label, points }) =>
        points.map(({ setting, recall, rate }) => [
          label,
          settingText(setting),
          recall.toFixed(4),
          number(rate),
        ]),
      ),
      how: 'as above',
    },
  ];
}

const rateHeading = (target) => `queries/s at ${target}`;
