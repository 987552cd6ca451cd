// Opening stores of several sizes in a fresh process: after a clean close and after a kill, the first query, and the
// memory that a store costs its process.

import { copyFileSync } from 'node:fs';
import { runChild, startChild } from '../lib/child.mjs';
import { bytes, count, milliseconds } from '../lib/format.mjs';
import { median } from '../lib/measure.mjs';
import { dropFromPageCache } from '../lib/page-cache.mjs';
import { judged, reported } from '../lib/rows.mjs';
import { fileBytes, freshPath, removeFile, syncFile } from '../lib/scratch.mjs';

export const title = 'Open, first query, memory';

const SIZES = { full: [1_000, 10_000, 63_666, 500_000], quick: [1_000, 10_000] };
/** Above this, queries are slow, so fewer are asked; up to this, memory is held to its limit. */
const MANY_ROWS = 63_666;
const CLEAN_MS_MAX = 5;
const KILLED_MS_MAX = 100;
const GROWTH = { factor: 3, slackMs: 1 };
const PRIVATE_BYTES_MAX = 16e6;

/** What a killed writer leaves behind its last checkpoint: of each kind nearly as much as the store lets pile up. */
const TAILS = {
  singles: { what: '4,000 single inserts', commits: 4_000, rowsPerCommit: 1 },
  journals: { what: '130 batches of 160 rows (16 MB of journals)', commits: 130, rowsPerCommit: 160 },
  batches: { what: '60 batches of 1,000 rows', commits: 60, rowsPerCommit: 1_000 },
};

export async function run({ rounds, quick }) {
  const figures = [];
  for (const rows of quick ? SIZES.quick : SIZES.full)
    figures.push(await measureSize({ rows, rounds, quick }));
  return {
    rows: [...openRows(figures, rounds), ...workRows(figures), ...memoryRows(figures)],
    samples: { figures },
  };
}

async function measureSize({ rows, rounds, quick }) {
  const path = freshPath('open.rvf');
  await runChild('build', { path, rows, quick });
  const queries = rows > MANY_ROWS ? 200 : 1_000;
  const opened = (options, prepare) => openRepeatedly(rounds, { path, queries: 0, ...options }, prepare);
  const figure = {
    rows,
    queries,
    bytes: fileBytes(path),
    clean: await opened({ engineLoaded: true }),
    cleanWithEngine: await opened({ engineLoaded: false }),
    cold: dropFromPageCache(path)
      ? await opened({ engineLoaded: true }, () => dropFromPageCache(path))
      : undefined,
    killed: {},
    memory: await measureMemory(path, queries),
  };
  for (const [name, tail] of Object.entries(TAILS)) {
    figure.killed[name] = await measureKilled({ original: path, rows, tail, rounds, quick });
  }
  removeFile(path);
  return figure;
}

async function openRepeatedly(rounds, task, prepare = () => {}) {
  const answers = [];
  for (let round = 0; round < rounds; round += 1) {
    prepare();
    answers.push(await runChild('open', task));
  }
  return answers;
}

/** Once alone, and once while another process has read the same store: then its pages are shared ones. */
async function measureMemory(path, queries) {
  const alone = await runChild('open', { path, queries, engineLoaded: false });
  const other = await startChild('open', { path, queries: 0, readOnly: true });
  const shared = await runChild('open', { path, queries, engineLoaded: false });
  await other.kill();
  return { alone, shared };
}

async function measureKilled({ original, rows, tail, rounds, quick }) {
  const path = freshPath('killed.rvf');
  copyFileSync(original, path);
  // What is still on its way to the disk would slow down the writer, and later whoever opens.
  syncFile(path);
  const { commits, rowsPerCommit } = tail;
  const writer = await startChild('write', { path, firstRow: rows, commits, rowsPerCommit, quick });
  await writer.kill();
  syncFile(path);
  const answers = await openRepeatedly(rounds, { path, queries: 0, engineLoaded: true });
  for (const { rows: found, recoveredCommits } of answers) {
    if (found !== rows + commits * rowsPerCommit)
      throw new Error(`${rows} rows + ${tail.what}: found ${found}`);
    if (recoveredCommits === 0) throw new Error(`${rows} rows + ${tail.what}: nothing was left to recover`);
  }
  removeFile(path);
  return { ...writer.answer, recoveredCommits: answers[0].recoveredCommits, answers };
}

const openMs = (answers) => median(answers.map((answer) => answer.openMs));
const firstQueryMs = (answers) => median(answers.map((answer) => answer.firstQueryMs));

/** One figure for each size, in a row. */
function bySize(figures, text) {
  return figures.map((figure) => `${count(figure.rows)}: ${text(figure)}`).join(', ');
}

function openRows(figures, rounds) {
  const how = `fresh processes, page cache warm, medians of ${rounds}`;
  const loaded = `${how}; RvfDatabase.open() in a process that has the addon loaded`;
  const clean = ({ clean: answers }) => openMs(answers);
  return [
    limited('open after a clean close', figures, clean, CLEAN_MS_MAX, loaded),
    notGrowing('open after a clean close', figures, clean),
    limited(
      'first open of a process, loading the addon included',
      figures,
      ({ cleanWithEngine }) => openMs(cleanWithEngine),
      CLEAN_MS_MAX,
      `${how}; RvfDatabase.open() after a clean close, as the first call to the package`,
    ),
    ...Object.entries(TAILS).flatMap(([name, { what }]) => {
      const killed = ({ killed: tails }) => openMs(tails[name].answers);
      const replayed = figures[0].killed[name];
      const left = `${count(replayed.recoveredCommits)} commits, ${bytes(replayed.tailBytes)}, to recover; ${loaded}`;
      return [
        limited(`open after kill -9 behind ${what}`, figures, killed, KILLED_MS_MAX, left),
        notGrowing(`open after kill -9 behind ${what}`, figures, killed),
      ];
    }),
    durations(
      'first query after a clean close',
      figures,
      ({ clean: answers }) => firstQueryMs(answers),
      `${how}; it reads and checks every vector once, since there is no graph yet`,
    ),
    ...(figures.every(({ cold }) => cold !== undefined)
      ? [
          durations(
            'open after a clean close, page cache cold',
            figures,
            ({ cold }) => openMs(cold),
            `fresh processes, the file's pages dropped from the page cache before each, medians of ${rounds}`,
          ),
          durations('first query after it', figures, ({ cold }) => firstQueryMs(cold), 'the same processes'),
        ]
      : []),
  ];
}

/** What one operation takes in stores of each size, and what the stores take on the disk. */
function workRows(figures) {
  return [
    durations(
      'query, exact, k = 10',
      figures,
      ({ memory }) => memory.alone.queryMs,
      `medians of 1,000 querySync in one process, 200 above ${count(MANY_ROWS)} rows`,
    ),
    durations(
      'single insert, ingestBatch awaited',
      figures,
      ({ killed }) => killed.singles.commitMs,
      'medians of the 4,000 inserts before the kill',
    ),
    reported({
      what: 'size of the file, without metadata',
      figure: bySize(figures, (figure) => bytes(figure.bytes)),
      value: figures.map((figure) => figure.bytes),
      how: 'ingested in batches of 1,000, closed',
    }),
  ];
}

function durations(what, figures, value, how) {
  return reported({
    what,
    figure: bySize(figures, (figure) => milliseconds(value(figure))),
    value: figures.map(value),
    how,
  });
}

function limited(what, figures, value, limitMs, how) {
  return judged({
    what,
    figure: bySize(figures, (figure) => milliseconds(value(figure))),
    value: figures.map(value),
    criterion: `< ${limitMs} ms at any size`,
    met: figures.every((figure) => value(figure) < limitMs),
    how,
  });
}

function notGrowing(what, figures, value) {
  const [smallest, largest] = [figures[0], figures.at(-1)];
  const limit = value(smallest) * GROWTH.factor + GROWTH.slackMs;
  return judged({
    what: `${what}: ${count(largest.rows)} rows beside ${count(smallest.rows)}`,
    figure: `${milliseconds(value(largest))} beside ${milliseconds(value(smallest))}`,
    value: value(largest) / value(smallest),
    criterion: `<= ${GROWTH.factor}x + ${GROWTH.slackMs} ms`,
    met: value(largest) <= limit,
    how: 'the same processes',
  });
}

function memoryRows(figures) {
  return figures.flatMap(({ rows, queries, memory: { alone, shared } }) => {
    if (alone.privateBytes === undefined) return [];
    const own = Math.max(alone.privateBytes - alone.privateFileBytes, shared.privateBytes);
    const row = {
      what: `private memory of an open store, ${count(rows)} rows`,
      figure: bytes(own),
      value: own,
      how:
        `growth of Private_Clean + Private_Dirty (smaps_rollup, garbage collected) around loading the addon, open and ` +
        `${count(queries + 1)} queries: the larger of that beside another reader of the store, and of that alone less the ` +
        `${bytes(alone.privateFileBytes)} of clean page cache of its file, which count as private while nobody else maps it`,
    };
    return rows <= MANY_ROWS
      ? judged({ ...row, criterion: `<= ${bytes(PRIVATE_BYTES_MAX)}`, met: own <= PRIVATE_BYTES_MAX })
      : reported(row);
  });
}
