// Whether the neighbours that a store answers are the true ones.

import { vectorAt } from './data.mjs';

/** Stores compute with 32-bit floats; rows whose distances differ by less than this count as equally near. */
const TIE = 1e-6;

/** The share of true neighbours among those answered. `answered[q]` are row numbers for query q. */
export function recall(data, answered, k) {
  let found = 0;
  for (const [query, rows] of answered.entries()) {
    const vector = vectorAt(data.queries, data.dimensions, query);
    const farthest = distanceOfNeighbour(data, query, vector, k);
    found += new Set(rows.filter((row) => distanceTo(data, vector, row) <= farthest + TIE)).size;
  }
  return found / (answered.length * k);
}

/** Distances found by looking at every row, by data and query, ascending: more than one store is asked the same. */
const foundDistances = new WeakMap();
const FOUND_PER_QUERY = 100;

/** Distance of the k-th true neighbour: of the listed one, or else found by looking at every row. */
function distanceOfNeighbour(data, query, vector, k) {
  const { listedNeighbours, listedPerQuery, rows } = data;
  if (listedNeighbours !== undefined) {
    return distanceTo(data, vector, listedNeighbours[query * listedPerQuery + k - 1]);
  }
  if (!foundDistances.has(data)) foundDistances.set(data, new Map());
  const found = foundDistances.get(data);
  if (!found.has(query)) {
    const distances = Float64Array.from({ length: rows }, (_, row) => distanceTo(data, vector, row));
    found.set(query, distances.sort().slice(0, FOUND_PER_QUERY));
  }
  return found.get(query)[k - 1];
}

function distanceTo({ vectors, dimensions }, vector, row) {
  const offset = row * dimensions;
  let dot = 0;
  let squaresOfVector = 0;
  let squaresOfRow = 0;
  for (let index = 0; index < dimensions; index += 1) {
    const left = vector[index];
    const right = vectors[offset + index];
    dot += left * right;
    squaresOfVector += left * left;
    squaresOfRow += right * right;
  }
  return 1 - dot / Math.sqrt(squaresOfVector * squaresOfRow);
}

/** Which rows are among the `k` nearest of some rows (or as near as those), and how many there are at most. */
export function nearestAmong(data, vector, rows, k) {
  const distances = Float64Array.from(rows, (row) => distanceTo(data, vector, row)).sort();
  const most = Math.min(k, rows.length);
  const farthest = most === 0 ? Number.NEGATIVE_INFINITY : distances[most - 1];
  const among = new Set(rows);
  return { most, isNear: (row) => among.has(row) && distanceTo(data, vector, row) <= farthest + TIE };
}
