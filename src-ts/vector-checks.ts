import { RvfErrorCode } from './errors.js';
import { areFiniteHalves, HALF_MAX } from './half-floats.js';
import { describe, invalid, type Problem } from './validate.js';
import type { StoredRows, VectorShape } from './vectors.js';

/** What stores of each type take, as errors say it. */
const TAKEN = {
  f32: 'a Float32Array or an array of numbers',
  f16: 'a Float32Array, half floats in a Float16Array or Uint16Array, or an array of numbers',
  int8: 'an Int8Array, a Float32Array or an array of integers',
  binary: 'a Float32Array or an array of numbers',
} as const;

/** What is wrong with a vector of numbers, their values apart. */
export function numbersProblem(vector: unknown, { dtype, dimension }: VectorShape): Problem | undefined {
  const isArray = Array.isArray(vector);
  if (!isArray && !(vector instanceof Float32Array) && !(vector instanceof Float64Array)) {
    return invalid(`must be ${TAKEN[dtype]}, not ${describe(vector)}`);
  }
  if (vector.length !== dimension) {
    return lengthProblem(vector.length, dimension);
  }
  if (isArray) {
    for (let index = 0; index < dimension; index++) {
      if (typeof vector[index] !== 'number') {
        return invalid(`must hold numbers; element ${index} is ${describe(vector[index])}`);
      }
    }
  }
  return undefined;
}

/** What is wrong with the length of one vector that lies as it is stored. */
export function storedLengthProblem(row: StoredRows, shape: VectorShape): Problem | undefined {
  const { dimension, rowBytes, dtype } = shape;
  if (row.byteLength === rowBytes) {
    return undefined;
  }
  if (dtype === 'binary') {
    const text = `has ${row.length} bytes, the store takes ${dimension} bits packed into ${rowBytes} bytes`;
    return { code: RvfErrorCode.DimensionMismatch, text };
  }
  return lengthProblem(row.length, dimension);
}

/** What is wrong with the elements of rows of numbers that lie as they are stored. */
export function elementsProblem(rows: StoredRows): Problem | undefined {
  if (rows instanceof Float32Array) {
    return finiteProblem(rows);
  }
  if (rows instanceof Uint16Array && !areFiniteHalves(rows)) {
    const index = rows.findIndex((half) => (half & 0x7c00) === 0x7c00);
    // Infinity and NaN have all bits of the exponent set, and NaN others besides.
    const bits = rows[index] as number;
    return notFiniteHalf(
      index,
      (bits & 0x3ff) === 0 ? ((bits & 0x8000) === 0 ? Infinity : -Infinity) : Number.NaN,
    );
  }
  return undefined;
}

/** What is wrong with packed bits, their length apart. */
export function packedProblem(row: Uint8Array, { dimension, rowBytes }: VectorShape): Problem | undefined {
  const spare = dimension & 7;
  return spare !== 0 && (row[rowBytes - 1] as number) >> spare !== 0
    ? invalid(`has bits set behind bit ${dimension - 1}, the last one; clear them`)
    : undefined;
}

/** `given` as the caller has it, `stored` as 32-bit floats: 1e39 is finite only in the first. */
export function notFinite(given: ArrayLike<number>, stored: ArrayLike<number>): Problem {
  let index = 0;
  while (Number.isFinite(stored[index])) {
    index++;
  }
  return invalid(`must hold numbers that are finite as 32-bit floats; element ${index} is ${given[index]}`);
}

/** What is wrong with a half float that is not finite, or a number that would become one. */
export function notFiniteHalf(index: number, value: number): Problem {
  return invalid(
    `must hold numbers that are finite as 16-bit floats, from -${HALF_MAX} to ${HALF_MAX}; element ${index} is ${value}`,
  );
}

function finiteProblem(vector: Float32Array): Problem | undefined {
  for (let index = 0; index < vector.length; index++) {
    const value = vector[index] as number;
    if (value - value !== 0) {
      return notFinite(vector, vector);
    }
  }
  return undefined;
}

function lengthProblem(length: number, dimension: number): Problem {
  return {
    code: RvfErrorCode.DimensionMismatch,
    text: `has ${length} elements, the store takes ${dimension}`,
  };
}
