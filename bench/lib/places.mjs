// Filters that let a wanted share of the rows through: any rows, or those near to what is asked for, or far from it.

import { vectorAt } from './data.mjs';

/** How many rows of the data, spread over it, are what rows are near to or far from. */
const PIVOTS = 8;
/** Knuth's multiplicative hash: rows in an order that has nothing to do with their vectors. */
const HASH_FACTOR = 0x9e3779b1;

/** `any`: nothing to do with the query. `near`, `far`: the rows nearest to, or farthest from, the pivot next to the query. */
export const KINDS = ['any', 'near', 'far'];

/** The names of the columns that the filters ask for, each with a whole number in every row. */
export const FIELDS = ['any', ...Array.from({ length: PIVOTS }, (_, pivot) => `place${pivot}`)];

/** The columns: each row's place among all, in random order and by the distance from each pivot. */
export function placesOf(data) {
  const { rows } = data;
  const any = Int32Array.from({ length: rows }, (_, row) => Math.floor((hashOf(row) * rows) / 2 ** 32));
  const columns = { any };
  for (const [pivot, vector] of pivotsOf(data).entries()) {
    const near = Float64Array.from({ length: rows }, (_, row) => cosine(vector, vectorOf(data, row)));
    const order = Array.from({ length: rows }, (_, row) => row).sort((a, b) => near[b] - near[a]);
    const places = new Int32Array(rows);
    for (const [place, row] of order.entries()) places[row] = place;
    columns[`place${pivot}`] = places;
  }
  return columns;
}

/** The filter of one query: rows whose `field` is below `end`, or not below `start`. */
export function filterFor(data, kind, share, query) {
  const wanted = Math.max(1, Math.floor(data.rows * share));
  if (kind === 'any') return { field: 'any', end: wanted };
  const near = pivotsOf(data).map((vector) => cosine(vector, query));
  const field = `place${near.indexOf(Math.max(...near))}`;
  return kind === 'near' ? { field, end: wanted } : { field, start: data.rows - wanted };
}

/** The rows that fit a filter. */
export function rowsThatFit(columns, { field, start = 0, end = Number.POSITIVE_INFINITY }) {
  const rows = [];
  for (const [row, place] of columns[field].entries()) if (place >= start && place < end) rows.push(row);
  return rows;
}

function hashOf(row) {
  return Math.imul(row, HASH_FACTOR) >>> 0;
}

function pivotsOf(data) {
  return Array.from({ length: PIVOTS }, (_, pivot) =>
    vectorOf(data, Math.floor((pivot * data.rows) / PIVOTS)),
  );
}

function vectorOf({ vectors, dimensions }, row) {
  return vectorAt(vectors, dimensions, row);
}

function cosine(left, right) {
  let [dot, leftSquares, rightSquares] = [0, 0, 0];
  for (let index = 0; index < left.length; index += 1) {
    dot += left[index] * right[index];
    leftSquares += left[index] ** 2;
    rightSquares += right[index] ** 2;
  }
  return dot / Math.sqrt(leftSquares * rightSquares);
}
