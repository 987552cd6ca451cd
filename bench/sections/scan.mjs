// Exact search over all rows on one thread, beside sqlite-vec.

import { RvfDatabase } from '@ruvector/rvf';
import { batchesOf, loadMetadata, vectorAt } from '../lib/data.mjs';
import { count, milliseconds, rate, times } from '../lib/format.mjs';
import { alternate, median, pairedRatio } from '../lib/measure.mjs';
import { judged, reported } from '../lib/rows.mjs';
import { freshPath, removeFile } from '../lib/scratch.mjs';
import { recall } from '../lib/truth.mjs';

export const title = 'Exact search';

const K = 10;
const RATIO_MIN = 10;
/** Queries a round: as many as take each about a second. */
const QUERIES = { ours: 200, peer: 20 };

export async function run({ data, rounds, peersMissing }) {
  const { ids, metadata } = loadMetadata(data);
  const subjects = {
    plain: await ourSubject(data, ids, undefined),
    described: await ourSubject(data, ids, metadata),
    ...(peersMissing === undefined && (await peerSubjects(data))),
  };
  const recalls = {};
  for (const [name, { search, queries }] of Object.entries(subjects)) {
    // Also the warm-up: the first touch of each block checks it, and the first queries are compiled.
    const answered = Array.from({ length: queries }, (_, query) => search(queryAt(data, query)));
    recalls[name] = recall(data, answered, K);
  }
  const turns = Object.entries(subjects).map(([name, subject]) => [
    name,
    () => queriesPerSecond(data, subject),
  ]);
  const figures = await alternate(rounds, Object.fromEntries(turns));
  for (const { close } of Object.values(subjects)) await close();

  const how = (name) =>
    `${count(data.rows)} x ${data.dimensions}, cosine, k = ${K}, ${subjects[name].queries} queries one after another on ` +
    `one thread, page cache warm, medians of ${rounds} rounds in turns`;
  return {
    versions: subjects.peer?.versions,
    rows: [
      besidePeer(figures, peersMissing, how('plain')),
      recallRow(data, recalls),
      reported({
        what: 'querySync, exact, with metadata in the answer',
        figure: perQuery(figures.described),
        value: median(figures.described),
        how: how('described'),
      }),
      ...['peer', 'peerMapped']
        .filter((name) => subjects[name] !== undefined)
        .map((name) =>
          reported({
            what: name === 'peer' ? 'sqlite-vec' : 'sqlite-vec, the file mapped (mmap_size)',
            figure: `${perQuery(figures[name])}, recall@${K} ${recalls[name]}`,
            value: median(figures[name]),
            how: `${how(name)}; vec0 table through better-sqlite3, prepared statement`,
          }),
        ),
    ],
    samples: { ...figures, recalls },
  };
}

const queryAt = ({ queries, dimensions }, query) => vectorAt(queries, dimensions, query);

const perQuery = (figures) =>
  `${rate(median(figures), 'queries')} (${milliseconds(1000 / median(figures))} each)`;

function queriesPerSecond(data, { search, queries }) {
  const started = performance.now();
  for (let query = 0; query < queries; query += 1) search(queryAt(data, query));
  return queries / ((performance.now() - started) / 1000);
}

async function ourSubject(data, ids, metadata) {
  const path = freshPath(metadata === undefined ? 'scan.rvf' : 'scan-described.rvf');
  const made = await RvfDatabase.create(path, { dimensions: data.dimensions, metric: 'cosine' });
  for (const batch of batchesOf(data, ids, metadata, 1_000)) await made.ingestBatch(batch);
  // Searched as another program would find it.
  await made.close();
  const db = await RvfDatabase.open(path);
  const rowOf = new Map(ids.map((id, row) => [id, row]));
  return {
    search: (vector) => db.querySync(vector, K).map(({ id }) => rowOf.get(id)),
    queries: Math.min(QUERIES.ours, data.queryCount),
    close: async () => {
      await db.close();
      removeFile(path);
    },
  };
}

async function peerSubjects(data) {
  const { buildTable, openTable } = await import('../peers/sqlite-vec.mjs');
  const path = freshPath('scan.db');
  buildTable(path, data);
  const subject = (mapped) => {
    const table = openTable(path, { mapped });
    const close = () => {
      table.close();
      removeFile(path);
    };
    return {
      search: (vector) => table.query(vector, K),
      queries: QUERIES.peer,
      versions: table.versions,
      close,
    };
  };
  return { peer: subject(false), peerMapped: subject(true) };
}

function besidePeer(figures, peersMissing, how) {
  const ratio = (name) =>
    peersMissing === undefined ? pairedRatio(figures.plain, figures[name]) : Number.NaN;
  const beside =
    peersMissing === undefined
      ? `${times(ratio('peer'))} sqlite-vec, ${times(ratio('peerMapped'))} with its file mapped`
      : `nothing to compare with: ${peersMissing}`;
  return judged({
    what: 'querySync, exact, without metadata',
    figure: `${perQuery(figures.plain)}, ${beside}`,
    value: median(figures.plain),
    criterion: `>= ${RATIO_MIN}x sqlite-vec, both with their own settings`,
    met: ratio('peer') >= RATIO_MIN,
    how,
  });
}

function recallRow({ listedNeighbours }, recalls) {
  return judged({
    what: `its recall@${K}`,
    figure: String(recalls.plain),
    value: recalls.plain,
    criterion: '= 1',
    met: recalls.plain === 1,
    how:
      listedNeighbours === undefined
        ? 'against neighbours found by looking at every row; equally near rows count'
        : 'against the neighbours listed in the data set; equally near rows count',
  });
}
