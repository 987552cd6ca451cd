import { RvfErrorCode } from './errors.js';
import { QUERY_BATCH_MAX } from './limits.js';
import type { RvfVectorInput } from './types.js';
import { describe, invalid, problemError, refuse } from './validate.js';
import { elementsProblem, packedProblem } from './vector-checks.js';
import { bytesOf, RowWriter, type StoredRows, storedRows, type VectorShape } from './vectors.js';

/** How a batch of vectors one behind the other is given to stores of each type. */
const FLAT = {
  f32: 'a Float32Array',
  f16: 'a Float32Array, a Float16Array or a Uint16Array',
  int8: 'a Float32Array or an Int8Array',
  binary: 'a Uint8Array',
} as const;

/** The bytes of several vectors: given one behind the other, or as an array of vectors. */
export function batchBytes(vectors: RvfVectorInput | RvfVectorInput[], shape: VectorShape): Uint8Array {
  const stored = storedRows(vectors, shape);
  if (stored !== undefined) {
    checkWholeRows(stored, shape);
    return bytesOf(stored);
  }
  const list = vectors instanceof Float32Array ? cutIntoRows(vectors, shape) : vectors;
  if (!Array.isArray(list)) {
    refuse('vectors', invalid(`must be ${FLAT[shape.dtype]} or an array of vectors, not ${describe(list)}`));
  }
  checkBatchLength(list.length);
  const rows = new RowWriter(shape, list.length);
  for (let index = 0; index < list.length; index++) {
    const problem = rows.write(index, list[index]);
    if (problem !== undefined) {
      throw problemError(`vectors[${index}]`, problem);
    }
  }
  return rows.bytes(list.length);
}

/** Numbers one vector behind the other, of which stores of bits take none. */
function cutIntoRows(
  numbers: Float32Array,
  { dtype, dimension }: VectorShape,
): Float32Array | Float32Array[] {
  if (dtype === 'binary') {
    return numbers;
  }
  const rows = wholeRows(numbers.length, dimension);
  checkBatchLength(rows);
  return Array.from({ length: rows }, (_, row) => numbers.subarray(row * dimension, (row + 1) * dimension));
}

function checkWholeRows(vectors: StoredRows, shape: VectorShape): void {
  const rows = wholeRows(vectors.length, shape.rowBytes / vectors.BYTES_PER_ELEMENT);
  checkBatchLength(rows);
  for (let row = 0; vectors instanceof Uint8Array && row < rows; row++) {
    const problem = packedProblem(vectors.subarray(row * shape.rowBytes), shape);
    if (problem !== undefined) {
      refuse(`vectors[${row}]`, problem);
    }
  }
  const problem = elementsProblem(vectors);
  if (problem !== undefined) {
    refuse('vectors', problem);
  }
}

function wholeRows(elements: number, perRow: number): number {
  if (elements % perRow !== 0) {
    const text = `have ${elements} elements, which is no multiple of the ${perRow} of one vector`;
    refuse('vectors', { code: RvfErrorCode.DimensionMismatch, text });
  }
  return elements / perRow;
}

function checkBatchLength(rows: number): void {
  if (rows > QUERY_BATCH_MAX) {
    refuse('vectors', invalid(`are ${rows}, more than ${QUERY_BATCH_MAX}; split the batch`));
  }
}
