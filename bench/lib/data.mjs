// The data that is measured: 63,666 real sentence embeddings with metadata, queries and true neighbours, or, where that
// data set is not beside the repository, the 5,000 rows of examples/data.

import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';
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
  const { isFull, folder, dimensions, stored, listedPerQuery } = describe();
  const read = (name) => readFileSync(join(folder, name));
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
    listedPerQuery,
  };
}

/** The data as if it had only its first rows. */
export function firstRows(data, rows) {
  if (rows >= data.rows) return data;
  const vectors = data.vectors.subarray(0, rows * data.dimensions);
  return { ...data, rows, vectors, listedNeighbours: undefined, listedPerQuery: undefined };
}

/** Vectors of `count` rows from `first` on, one behind the other, without reading the others. */
export function loadSlice(first, count) {
  const { isFull, folder, dimensions } = describe();
  const halves = Buffer.alloc(count * dimensions * Uint16Array.BYTES_PER_ELEMENT);
  const descriptor = openSync(join(folder, isFull ? 'base.f16' : 'vectors.f16'), 'r');
  readSync(descriptor, halves, 0, halves.length, first * dimensions * Uint16Array.BYTES_PER_ELEMENT);
  closeSync(descriptor);
  const bits = new Uint16Array(halves.buffer, halves.byteOffset, count * dimensions);
  return { dimensions, vectors: Float32Array.from(bits, halfToFloat) };
}

/** The queries alone, in the form of `loadData`. */
export function loadQuerySet() {
  return { queries: loadQueries(), dimensions: describe().dimensions };
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

/** What the data set says of itself; the two name it differently. */
function describe() {
  const { isFull, folder } = place();
  const { dim, count, k, dimensions, rows } = JSON.parse(readFileSync(join(folder, 'dataset.json'), 'utf8'));
  return isFull
    ? { isFull, folder, dimensions: dim, stored: count, listedPerQuery: k }
    : { isFull, folder, dimensions, stored: rows };
}
