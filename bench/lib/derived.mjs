// More rows than there are: points between two real vectors, with a little noise, so that they lie where real ones do.

import { vectorAt } from './data.mjs';

const SEED = 0x52564631;
const NOISE = 0.01;

/**
 * Row `row` of an endless set whose first rows are the real ones. The same row is the same vector in every run.
 */
export function derivedVector(data, row) {
  const { vectors, dimensions, rows } = data;
  if (row < rows) return vectorAt(vectors, dimensions, row);
  const random = generator(SEED ^ Math.imul(row, 0x9e3779b1));
  const left = vectorAt(vectors, dimensions, Math.floor(random() * rows));
  const right = vectorAt(vectors, dimensions, Math.floor(random() * rows));
  const share = random();
  const vector = new Float32Array(dimensions);
  for (let index = 0; index < dimensions; index += 1) {
    const between = left[index] + (right[index] - left[index]) * share;
    vector[index] = between + (random() - 0.5) * NOISE;
  }
  return vector;
}

export function derivedEntries(data, firstRow, count, idPrefix) {
  return Array.from({ length: count }, (_, index) => ({
    id: `${idPrefix}-${firstRow + index}`,
    vector: derivedVector(data, firstRow + index),
  }));
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
