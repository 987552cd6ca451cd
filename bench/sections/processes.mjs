// Many processes, one after another, that each add a few rows to the same store: what closing costs them, and what store
// they leave.

import { RvfDatabase } from '@ruvector/rvf';
import { runChildToItsEnd, startChild } from '../lib/child.mjs';
import { firstRows } from '../lib/data.mjs';
import { bytes, count, milliseconds, rate, times } from '../lib/format.mjs';
import { builtIndex } from '../lib/index-files.mjs';
import { alternate, median, pairedRatio } from '../lib/measure.mjs';
import { judged, reported } from '../lib/rows.mjs';
import { fileBytes, freshPath, removeFile } from '../lib/scratch.mjs';
import { recall } from '../lib/truth.mjs';

export const title = 'Many short-lived processes';

const K = 10;
const PROCESSES = { full: 640, quick: 40 };
const QUICK = { rows: 4_000, queries: 100 };
const CLOSE_MS_MAX = 1_000;
const RATE_MIN = 0.5;

export async function run({ data: all, quick, longRounds: rounds }) {
  const data = quick ? firstRows(all, QUICK.rows) : all;
  const queryCount = Math.min(data.queryCount, quick ? QUICK.queries : data.queryCount);
  const processes = PROCESSES[quick ? 'quick' : 'full'];
  const path = freshPath('processes.rvf');
  await (await RvfDatabase.create(path, { dimensions: data.dimensions, metric: 'cosine' })).close();
  const answers = [];
  for (let process = 0; process < processes; process += 1) {
    const firstRow = Math.floor((process * data.rows) / processes);
    const next = Math.floor(((process + 1) * data.rows) / processes);
    answers.push(await runChildToItsEnd('contribute', { path, firstRow, rows: next - firstRow }));
  }
  const once = await builtIndex({ engine: 'rvf', rows: data.rows, quick });
  const searched = await measureSearch({ grown: path, once: once.path }, { data, queryCount, rounds });
  const size = { grown: fileBytes(path), once: once.bytes };
  removeFile(path);
  return {
    rows: rowsOf({ answers, searched, size, data, rounds, processes }),
    samples: { answers, searched, size },
  };
}

/** Recall and rates of both stores at default quality, in turns. */
async function measureSearch(paths, { data, queryCount, rounds }) {
  const children = {};
  const recalls = {};
  for (const [name, path] of Object.entries(paths)) {
    children[name] = await startChild('search', { engine: 'rvf', path, queryCount });
    await children[name].ask({ use: {} });
    const { rows } = await children[name].ask({ find: K });
    recalls[name] = recall(data, rows, K);
  }
  const turns = Object.entries(children).map(([name, child]) => [
    name,
    async () => (await child.ask({ rate: K })).rate,
  ]);
  const rates = await alternate(rounds, Object.fromEntries(turns));
  for (const child of Object.values(children)) await child.kill();
  return { recalls, rates };
}

function rowsOf({ answers, searched: { recalls, rates }, size, data, rounds, processes }) {
  const how =
    `${count(processes)} processes one after another, each opens the store, ingests ` +
    `${Math.floor(data.rows / processes)} rows or one more, closes it and ends; ${count(data.rows)} rows in the end`;
  const howSearched = `querySync, k = ${K}, default quality, medians of ${rounds} rounds in turns; the other store was ingested by one process`;
  const longestMs = (name) => Math.max(...answers.map((answer) => answer[name]));
  const ratio = pairedRatio(rates.grown, rates.once);
  return [
    judged({
      what: 'longest close()',
      figure: `${milliseconds(longestMs('closeMs'))} (median ${milliseconds(median(answers.map(({ closeMs }) => closeMs)))})`,
      value: longestMs('closeMs'),
      criterion: `<= ${CLOSE_MS_MAX / 1000} s`,
      met: longestMs('closeMs') <= CLOSE_MS_MAX,
      how,
    }),
    ...['openMs', 'ingestMs'].map((name) =>
      reported({
        what: name === 'openMs' ? 'longest open()' : 'longest ingestBatch()',
        figure: `${milliseconds(longestMs(name))} (median ${milliseconds(median(answers.map((answer) => answer[name])))})`,
        value: longestMs(name),
        how,
      }),
    ),
    reported({
      what: 'the file in the end',
      figure: `${bytes(size.grown)}, ${times(size.grown / size.once)} that of a store built at once`,
      value: size.grown,
      how,
    }),
    judged({
      what: 'queries in the end',
      figure: `${rate(median(rates.grown), 'queries')}, ${times(ratio)} a store built at once (${rate(median(rates.once), 'queries')})`,
      value: ratio,
      criterion: `>= ${RATE_MIN}x a store built at once`,
      met: ratio >= RATE_MIN,
      how: howSearched,
    }),
    reported({
      what: `their recall@${K}`,
      figure: `${recalls.grown.toFixed(4)}, of the store built at once ${recalls.once.toFixed(4)}`,
      value: recalls.grown,
      how: howSearched,
    }),
  ];
}
