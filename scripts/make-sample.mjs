// Makes examples/data/ out of the full data set: node scripts/make-sample.mjs [FOLDER]
//
// The sample holds the nearest rows of each chosen question and a random rest, so that the true nearest neighbours of
// these questions in the sample are their true nearest neighbours in the full set. The same input gives the same files.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { halfToFloat } from '../examples/quickstart/sample.mjs';
import { root } from './lib/steps.mjs';

const ROWS = 5_000;
const NEAREST_PER_QUESTION = 50;
const NEIGHBOURS_LISTED = 10;
const SEED = 0x52564631;

const QUESTIONS = [
  'pdf merging, rearranging, splitting, rotating and cropping',
  'satellite tracker',
  'solve sudoku puzzles',
  'download youtube videos to local audio or video files.',
  'hex editor',
  'rename files and directories in batch',
  'video editor',
  'show disk usage and delete unused files',
  'create, reorganize, and delete partitions',
  'live streaming and video recording software',
  'make phone and sip calls',
  'build and simulate electronic circuits',
  'create encrypted vaults',
  'powerful tool for working with messy data',
  'strongswan based client for ipsec virtual private networks',
  'rss feed reader',
  '3d point cloud and mesh processing software',
  'see the power status of your battery',
  'photorealistic rendering engine',
  'dictionary lookup program',
  'graphical editor for bibtex bibliographies',
  'turn-based space empire and galactic conquest (4x) computer game',
  'personal finance manager based on double-entry bookkeeping',
  'find and delete duplicates',
];

const source = resolve(process.argv[2] ?? join(root, '../shared/data/debian'));
const target = join(root, 'examples/data');
const read = (name) => readFileSync(join(source, name));

const { dim: dimensions, count, k: neighboursGiven } = JSON.parse(read('dataset.json'));
const base = read('base.f16');
const rowBytes = dimensions * 2;
const metadata = gunzipSync(read('metadata.jsonl.gz')).toString().trimEnd().split('\n');
const wordings = JSON.parse(read('queries.json'));
const queries = read('queries.f32');
const queryBytes = dimensions * 4;
const groundTruth = read('groundtruth.i32');

const questions = QUESTIONS.map((text) => {
  const index = wordings.indexOf(text);
  if (index === -1) throw new Error(`the data has no question '${text}'`);
  const nearest = Array.from({ length: NEAREST_PER_QUESTION }, (_, rank) =>
    groundTruth.readInt32LE((index * neighboursGiven + rank) * 4),
  );
  const vector = queries.subarray(index * queryBytes, (index + 1) * queryBytes);
  // Where the last listed neighbour and the next one are equally near, no list of ten is the right one.
  const distances = nearest
    .slice(NEIGHBOURS_LISTED - 1, NEIGHBOURS_LISTED + 1)
    .map((row) => cosine(vector, row));
  if (distances[1] - distances[0] < 1e-6) throw new Error(`'${text}' has a tie at ${NEIGHBOURS_LISTED}`);
  return { text, nearest, vector };
});

const chosen = new Set(questions.flatMap(({ nearest }) => nearest));
const random = generator(SEED);
while (chosen.size < ROWS) chosen.add(Math.floor(random() * count));
const rows = [...chosen].sort((a, b) => a - b);

const vectors = Buffer.concat(rows.map((row) => base.subarray(row * rowBytes, (row + 1) * rowBytes)));
const lines = gzipSync(rows.map((row) => `${metadata[row]}\n`).join(''), { level: 9 });
// The header's byte for the operating system is the only one that depends on the machine; 255 says "unknown".
lines[9] = 255;

mkdirSync(target, { recursive: true });
writeFileSync(join(target, 'vectors.f16'), vectors);
writeFileSync(join(target, 'metadata.jsonl.gz'), lines);
writeFileSync(join(target, 'queries.f32'), Buffer.concat(questions.map(({ vector }) => vector)));
writeJson(
  'queries.json',
  questions.map(({ text, nearest }) => ({
    text,
    neighbours: nearest.slice(0, NEIGHBOURS_LISTED).map((row) => JSON.parse(metadata[row]).id),
  })),
);
writeJson('dataset.json', {
  rows: rows.length,
  dimensions,
  metric: 'cosine',
  vectors: {
    file: 'vectors.f16',
    layout: 'little-endian IEEE half, row-major; row i belongs to line i of the metadata',
  },
  metadata: { file: 'metadata.jsonl.gz', layout: 'gzip; one JSON object per line, its id under `id`' },
  queries: {
    count: questions.length,
    file: 'queries.f32',
    layout: 'little-endian float32, row-major; row i belongs to element i of the wording',
    wording: 'queries.json',
    neighboursListed: NEIGHBOURS_LISTED,
  },
});

function writeJson(name, value) {
  writeFileSync(join(target, name), `${JSON.stringify(value, null, 2)}\n`);
}

function cosine(vector, row) {
  let dot = 0;
  let squaresOfQuery = 0;
  let squaresOfRow = 0;
  for (let i = 0; i < dimensions; i += 1) {
    const q = vector.readFloatLE(i * 4);
    const r = halfToFloat(base.readUInt16LE(row * rowBytes + i * 2));
    dot += q * r;
    squaresOfQuery += q * q;
    squaresOfRow += r * r;
  }
  return 1 - dot / Math.sqrt(squaresOfQuery * squaresOfRow);
}

/** Mulberry32: the same numbers in [0, 1) for the same seed, on every machine. */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
