// The data that is measured: 63,666 real sentence embeddings with metadata, queries and true neighbours, or, where that
// data set is not beside the repository, the 5,000 rows of examples/data.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { halfToFloat } from '../../examples/quickstart/sample.mjs';
import { root } from '../../scripts/lib/steps.mjs';

const QUICK_ROWS = 10_000;

const full = join(root, '../shared/data/debian');
const sample = join(root, 'examples/data');

/**
 * Reads vectors and queries. With `quick` only the first rows are taken.
 *
 * @returns `vectors` and `queries` hold rows of `dimensions` floats one behind the other. `listedNeighbours` are the true
 * neighbours of each query, `listedPerQuery` of them; undefined where `rows` are not all that they were found among.
 */
export function loadData({ quick }) {
  const { isFull, folder } = place();
  const read = (name) => readFileSync(join(folder, name));
  const description = JSON.parse(read('dataset.json').toString());
  const dimensions = isFull ? description.dim : description.dimensions;
  const stored = isFull ? description.count : description.rows;
  const rows = quick ? Math.min(QUICK_ROWS, stored) : stored;

  const queries = loadQueries();
  const listed = isFull && rows === stored ? read('groundtruth.i32') : undefined;
  return {
    isFull,
    folder,
    name: isFull ? 'Debian package descriptions' : 'the sample in examples/data',
    dimensions,
    rows,
    vectors: decodeHalves(read(isFull ? 'base.f16' : 'vectors.f16'), rows * dimensions),
    queries,
    queryCount: queries.length / dimensions,
    listedNeighbours: listed && new Int32Array(listed.buffer, listed.byteOffset, listed.length / 4),
    listedPerQuery: isFull ? description.k : undefined,
  };
}

/** The vectors of all queries, one behind the other. */
export function loadQueries() {
  const bytes = readFileSync(join(place().folder, 'queries.f32'));
  // Copied, since a file's bytes need not lie where floats may.
  return new Float32Array(Uint8Array.from(bytes).buffer);
}

/** Ids and metadata of the rows; reading them takes a while, so only who needs them does. */
export function loadMetadata({ folder, rows }) {
  const lines = gunzipSync(readFileSync(join(folder, 'metadata.jsonl.gz')))
    .toString()
    .split('\n');
  const ids = [];
  const metadata = [];
  for (const line of lines.slice(0, rows)) {
    const { id, ...rest } = JSON.parse(line);
    ids.push(id);
    metadata.push(rest);
  }
  return { ids, metadata };
}

/** Vector `row` of floats that lie one behind the other, not copied. */
export function vectorAt(floatsOfRows, dimensions, row) {
  return floatsOfRows.subarray(row * dimensions, (row + 1) * dimensions);
}

/** Entries to store, split into batches. `metadata` is left out where it is undefined. */
export function batchesOf({ vectors, dimensions, rows }, ids, metadata, batchRows) {
  const batches = [];
  for (let start = 0; start < rows; start += batchRows) {
    const length = Math.min(batchRows, rows - start);
    batches.push(
      Array.from({ length }, (_, index) => {
        const row = start + index;
        const entry = { id: ids[row], vector: vectorAt(vectors, dimensions, row) };
        return metadata === undefined ? entry : { ...entry, metadata: metadata[row] };
      }),
    );
  }
  return batches;
}

/** What a user hands over for an entry: the vector's bytes, the id's, and those of the metadata as JSON. */
export function payloadBytes({ id, vector, metadata }) {
  const text = metadata === undefined ? '' : JSON.stringify(metadata);
  return vector.byteLength + Buffer.byteLength(id) + Buffer.byteLength(text);
}

export function payloadBytesOfAll(entries) {
  return entries.reduce((sum, entry) => sum + payloadBytes(entry), 0);
}

function decodeHalves(halves, count) {
  // Each of the 65,536 halves is decoded once, which is much quicker than to decode each element.
  const decoded = Float32Array.from({ length: 1 << 16 }, (_, bits) => halfToFloat(bits));
  const bits = new Uint16Array(halves.buffer, halves.byteOffset, count);
  const vectors = new Float32Array(count);
  for (let index = 0; index < count; index += 1) vectors[index] = decoded[bits[index]];
  return vectors;
}

function place() {
  const isFull = existsSync(join(full, 'dataset.json'));
  return { isFull, folder: isFull ? full : sample };
}
