// Counting and searching with filters, beside sqlite-vec and LanceDB with the same filters.

import { rmSync } from 'node:fs';
import { RvfDatabase } from '@ruvector/rvf';
import { batchesOf, loadMetadata, vectorAt } from '../lib/data.mjs';
import { makeFilters } from '../lib/filters.mjs';
import { bytes, count, milliseconds, rate, times } from '../lib/format.mjs';
import { alternate, median } from '../lib/measure.mjs';
import { judged, reported } from '../lib/rows.mjs';
import { freshPath, removeFile } from '../lib/scratch.mjs';
import { nearestAmong } from '../lib/truth.mjs';

export const title = 'Filters';

const K = 10;
const RATIO_OF_SCAN_MIN = 50;
const RATIO_OF_UNFILTERED_MIN = 0.5;
const RECALL_MIN = 0.95;
/** Calls a round: as many as take each some tens of milliseconds. */
const CALLS = {
  count: { ours: 50, sqlite: 20, lance: 10 },
  query: { ours: 30, sqlite: 3, lance: 3 },
};
const NAMES = { sqlite: 'sqlite-vec', lance: 'LanceDB' };

export async function run({ data, rounds, peersMissing }) {
  const { ids, metadata } = loadMetadata(data);
  const filters = makeFilters(metadata);
  const ours = await ourStore(data, ids, metadata);
  const peers = peersMissing === undefined ? await peerStores(data, metadata) : {};
  const stores = { ours: ours.store, ...peers };

  const scanMs = await alternate(rounds, { scan: () => scanOfMetadata(ours.db, filters.at(-1)) });
  const searchMs = await alternate(rounds, { search: () => plainSearch(ours.db, data) });
  const rows = [];
  const samples = { scanMs: scanMs.scan, searchMs: searchMs.search, filters: [] };
  for (const filter of filters) {
    const asked = await askAll(stores, filter, data, rounds);
    samples.filters.push({
      kind: filter.kind,
      wanted: filter.wanted,
      rows: filter.matching.length,
      ...asked,
    });
    rows.push({ filter, ...asked });
  }
  const sizes = await sizesOf(ours.db, metadata);
  for (const { close } of Object.values(stores)) await close();

  const context = { data, rounds, peersMissing, scan: median(scanMs.scan), search: median(searchMs.search) };
  return {
    versions: Object.assign({}, ...Object.values(peers).map(({ versions }) => versions ?? {})),
    rows: [
      ...rows.map((asked) => countRow(asked, context)),
      ...rows.map((asked) => queryRow(asked, context)),
      ...scanRows(context),
      ...sizes,
    ],
    samples,
  };
}

async function askAll(stores, filter, data, rounds) {
  const prepared = {};
  for (const [name, store] of Object.entries(stores)) prepared[name] = store.prepare(filter);
  const queries = Array.from({ length: CALLS.query.ours }, (_, query) =>
    vectorAt(data.queries, data.dimensions, query),
  );
  const recalls = {};
  for (const [name, { count: counted, query }] of Object.entries(prepared)) {
    const answer = await counted();
    if (answer !== filter.matching.length) {
      throw new Error(`${name} counts ${answer} for ${filter.kind}, not ${filter.matching.length}`);
    }
    const some = queries.slice(0, CALLS.query[name]);
    const answered = [];
    for (const vector of some) answered.push(await query(vector, K));
    recalls[name] = recallAmong(data, filter, some, answered);
  }
  const turns = (what, calls) =>
    Object.fromEntries(
      Object.entries(prepared).map(([name, store]) => [
        name,
        () => millisecondsEach(calls[name], (call) => store[what](queries[call % queries.length], K)),
      ]),
    );
  return {
    counts: await alternate(rounds, turns('count', CALLS.count)),
    queries: await alternate(rounds, turns('query', CALLS.query)),
    recalls,
  };
}

function recallAmong(data, { matching }, queries, answered) {
  let found = 0;
  let wanted = 0;
  for (const [index, vector] of queries.entries()) {
    const { isNear, most } = nearestAmong(data, vector, matching, K);
    found += new Set(answered[index].filter(isNear)).size;
    wanted += most;
  }
  return wanted === 0 ? 1 : found / wanted;
}

async function millisecondsEach(calls, work) {
  const started = performance.now();
  for (let call = 0; call < calls; call += 1) await work(call);
  return (performance.now() - started) / calls;
}

async function ourStore(data, ids, metadata) {
  const path = freshPath('filters.rvf');
  const made = await RvfDatabase.create(path, { dimensions: data.dimensions, metric: 'cosine' });
  for (const batch of batchesOf(data, ids, metadata, 1_000)) await made.ingestBatch(batch);
  // Asked as another program would find it.
  await made.close();
  const db = await RvfDatabase.open(path);
  const rowOf = new Map(ids.map((id, row) => [id, row]));
  const store = {
    prepare: ({ expression }) => ({
      count: () => db.count(expression),
      query: (vector, k) => {
        const options = { filter: expression, includeMetadata: false };
        return db.querySync(vector, k, options).map(({ id }) => rowOf.get(id));
      },
    }),
    close: async () => {
      await db.close();
      removeFile(path);
    },
  };
  return { db, store };
}

async function peerStores(data, metadata) {
  const { buildFilteredTable, openFilteredTable } = await import('../peers/sqlite-filtered.mjs');
  const { buildLanceTable, openLanceTable } = await import('../peers/lancedb.mjs');
  const path = freshPath('filters.db');
  buildFilteredTable(path, data, metadata);
  const folder = freshPath('filters.lance');
  await buildLanceTable(folder, data, metadata);
  const remove = (store, paths) => ({
    prepare: ({ conditions }) => store.prepare(conditions),
    versions: store.versions,
    close: () => {
      store.close();
      for (const each of paths) rmSync(each, { recursive: true, force: true });
    },
  });
  return {
    sqlite: remove(openFilteredTable(path), [path]),
    lance: remove(await openLanceTable(folder), [folder]),
  };
}

/** What counting costs without an index: every entry read through the API and tried with a plain function. */
async function scanOfMetadata(db, { matching, conditions }) {
  const started = performance.now();
  let found = 0;
  for await (const { metadata } of db.iterate({ batchSize: 10_000 })) {
    const fits = conditions.every(({ field, values, below }) =>
      below === undefined ? values.includes(metadata[field]) : metadata[field] < below,
    );
    if (fits) found += 1;
  }
  if (found !== matching.length) throw new Error(`a scan finds ${found}, not ${matching.length}`);
  return performance.now() - started;
}

function plainSearch(db, data) {
  return millisecondsEach(CALLS.query.ours, (query) =>
    db.querySync(vectorAt(data.queries, data.dimensions, query), K, { includeMetadata: false }),
  );
}

const nameOf = ({ kind, wanted, matching }) =>
  `${kind}, ${wanted * 100} % (${count(matching.length)} entries)`;

function besides(asked, what) {
  return Object.entries(NAMES)
    .filter(([name]) => asked[what][name] !== undefined)
    .map(([name, title]) => {
      const theirs = median(asked[what][name]);
      const recall =
        what === 'queries' && asked.recalls[name] < 1 ? `, recall ${asked.recalls[name].toFixed(2)}` : '';
      return `${title} ${milliseconds(theirs)} (${times(theirs / median(asked[what].ours))}${recall})`;
    })
    .join(', ');
}

const HOW =
  'page cache warm, medians of the rounds in turns; peers with an index on each column they are asked for';

function countRow(asked, { scan, rounds, data }) {
  const ms = median(asked.counts.ours);
  const row = {
    what: `count, ${nameOf(asked.filter)}`,
    figure: [milliseconds(ms), besides(asked, 'counts')].filter(Boolean).join('; '),
    value: ms,
    how: `await count(filter), ${CALLS.count.ours} a round, ${rounds} rounds, ${count(data.rows)} entries, ${HOW}`,
  };
  if (asked.filter.wanted !== 0.001) return reported(row);
  return judged({
    ...row,
    figure: `${row.figure}; 1/${count(Math.round(scan / ms))} of a scan`,
    criterion: `<= 1/${RATIO_OF_SCAN_MIN} of a scan`,
    met: scan / ms >= RATIO_OF_SCAN_MIN,
  });
}

function queryRow(asked, { search, rounds, data }) {
  const ms = median(asked.queries.ours);
  const recall = asked.recalls.ours;
  return judged({
    what: `query, ${nameOf(asked.filter)}`,
    figure: [
      `${milliseconds(ms)} (${rate(1000 / ms, 'queries')}), ${times(search / ms)} without a filter, recall ${recall}`,
      besides(asked, 'queries'),
    ]
      .filter(Boolean)
      .join('; '),
    value: ms,
    criterion: `recall@${K} >= ${RECALL_MIN}, >= ${RATIO_OF_UNFILTERED_MIN}x without a filter`,
    met: recall >= RECALL_MIN && search / ms >= RATIO_OF_UNFILTERED_MIN,
    how: `querySync with filter, k = ${K}, exact, ${CALLS.query.ours} a round (peers ${CALLS.query.sqlite}), ${rounds} rounds, ${count(data.rows)} entries of ${data.dimensions} dimensions, ${HOW}`,
  });
}

function scanRows({ scan, search, peersMissing }) {
  return [
    reported({
      what: 'the scan that counts are compared with',
      figure: milliseconds(scan),
      value: scan,
      how: 'for await over iterate(), every entry tried with a plain function',
    }),
    reported({
      what: 'the query without a filter',
      figure: milliseconds(search),
      value: search,
      how: `querySync, exact, without metadata${peersMissing === undefined ? '' : `; no peers: ${peersMissing}`}`,
    }),
  ];
}

/** What columns and indexes add to the file, told once by the store as it was filled and once compacted. */
async function sizesOf(db, metadata) {
  const jsonBytes = metadata.reduce((sum, entry) => sum + Buffer.byteLength(JSON.stringify(entry)), 0);
  const offsetBytes = metadata.length * Uint32Array.BYTES_PER_ELEMENT;
  const indexBytes = async () => {
    const segments = (await db.segments()).filter(({ segType }) => segType === 'meta');
    const stored = segments.reduce((sum, { payloadLength }) => sum + payloadLength, 0);
    return { bytes: stored - jsonBytes - offsetBytes, segments: segments.length };
  };
  const row = (what, { bytes: added, segments }) =>
    reported({
      what,
      figure: `${bytes(added)} beside ${bytes(jsonBytes)} of JSON (${((100 * added) / jsonBytes).toFixed(1)} %), in ${segments} segments`,
      value: added / jsonBytes,
      how: 'payloads of the META segments less the JSON texts and their offsets: columns, indexes, headers and block hashes',
    });
  const filled = await indexBytes();
  await db.compact();
  return [
    row('columns and indexes, filled by batches of 1,000', filled),
    row('columns and indexes, compacted', await indexBytes()),
  ];
}
