import { DATA_TYPE_BINARY, type EngineInfo } from './engine.js';
import { RvfErrorCode } from './errors.js';
import { describe, invalid, type Problem, refuse } from './validate.js';

const EXPONENT_ONE = 0x0080_0000;
const WITHOUT_SIGN = 0x7fff_ffff;

/** How vectors look as bytes. */
export interface VectorShape {
  /** Elements; bits for hamming. */
  readonly dimension: number;
  /** Whether a row is packed bits instead of 32-bit floats. */
  readonly binary: boolean;
  readonly rowBytes: number;
}

/** The shape of a store's vectors. */
export function shapeOf(info: EngineInfo): VectorShape {
  const binary = info.dataType === DATA_TYPE_BINARY;
  return {
    dimension: info.dimension,
    binary,
    rowBytes: binary ? (info.dimension + 7) >> 3 : info.dimension * 4,
  };
}

/** Rows of vectors, checked and laid out as the engine takes them. */
export class RowWriter {
  readonly #shape: VectorShape;
  #bytes: Uint8Array;
  #floats: Float32Array;
  #bits: Int32Array;

  /** @throws RvfError `InvalidInput` where there is no memory for so many rows. */
  constructor(shape: VectorShape, rows: number) {
    this.#shape = shape;
    this.#bytes = allocate(rows * shape.rowBytes);
    const floats = shape.binary ? 0 : rows * shape.dimension;
    this.#floats = new Float32Array(this.#bytes.buffer, 0, floats);
    this.#bits = new Int32Array(this.#bytes.buffer, 0, floats);
  }

  /** Makes room for at least `rows` rows, keeping those written. */
  reserve(rows: number): void {
    const { rowBytes, binary, dimension } = this.#shape;
    const capacity = this.#bytes.length / rowBytes;
    if (rows <= capacity) {
      return;
    }
    const grown = Math.max(rows, capacity * 2);
    const bytes = allocate(grown * rowBytes);
    bytes.set(this.#bytes);
    this.#bytes = bytes;
    const floats = binary ? 0 : grown * dimension;
    this.#floats = new Float32Array(bytes.buffer, 0, floats);
    this.#bits = new Int32Array(bytes.buffer, 0, floats);
  }

  /** Writes a vector as row `row`, or answers what is wrong with it; a later call may then write that row. */
  write(row: number, vector: unknown): Problem | undefined {
    return this.#shape.binary ? this.#writeBits(row, vector) : this.#writeFloats(row, vector);
  }

  /** The bytes of the first `rows` rows. */
  bytes(rows: number): Uint8Array {
    return this.#bytes.subarray(0, rows * this.#shape.rowBytes);
  }

  #writeFloats(row: number, vector: unknown): Problem | undefined {
    const { dimension } = this.#shape;
    const problem = numbersProblem(vector, dimension);
    if (problem !== undefined) {
      return problem;
    }
    const start = row * dimension;
    if (Array.isArray(vector)) {
      // Several times faster than `set`, which converts the elements of arrays by the book.
      for (let index = 0; index < dimension; index++) {
        this.#floats[start + index] = vector[index] as number;
      }
    } else {
      this.#floats.set(vector as Float32Array, start);
    }
    // A float is finite unless all bits of its exponent are set: adding one to them then reaches the sign bit. One look
    // at the collected bits tells for the whole row, several times faster than asking for each number.
    const bits = this.#bits;
    let collected = 0;
    for (let index = start; index < start + dimension; index++) {
      collected |= ((bits[index] as number) & WITHOUT_SIGN) + EXPONENT_ONE;
    }
    return collected < 0
      ? notFinite(vector as Float32Array, this.#floats.subarray(start, start + dimension))
      : undefined;
  }

  #writeBits(row: number, vector: unknown): Problem | undefined {
    const { dimension, rowBytes } = this.#shape;
    const start = row * rowBytes;
    if (vector instanceof Uint8Array) {
      const problem = packedProblem(vector, dimension, rowBytes);
      if (problem === undefined) {
        this.#bytes.set(vector, start);
      }
      return problem;
    }
    const problem = numbersProblem(vector, dimension);
    if (problem !== undefined) {
      return problem;
    }
    const numbers = vector as Float32Array;
    this.#bytes.fill(0, start, start + rowBytes);
    for (let index = 0; index < dimension; index++) {
      const value = numbers[index] as number;
      if (value - value !== 0) {
        return notFinite(numbers, numbers);
      }
      if (value > 0) {
        (this.#bytes[start + (index >> 3)] as number) |= 1 << (index & 7);
      }
    }
    return undefined;
  }
}

/** The bytes of one vector. A `Float32Array` is not copied: the engine does that before its call returns. */
export function vectorBytes(argument: string, vector: unknown, shape: VectorShape): Uint8Array {
  if (vector instanceof Float32Array && !shape.binary) {
    const problem = numbersProblem(vector, shape.dimension) ?? finiteProblem(vector);
    return problem === undefined
      ? new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength)
      : refuse(argument, problem);
  }
  const writer = new RowWriter(shape, 1);
  const problem = writer.write(0, vector);
  return problem === undefined ? writer.bytes(1) : refuse(argument, problem);
}

/** What is wrong with a vector's elements, if one is not a finite number. */
export function finiteProblem(vector: Float32Array): Problem | undefined {
  for (let index = 0; index < vector.length; index++) {
    const value = vector[index] as number;
    if (value - value !== 0) {
      return notFinite(vector, vector);
    }
  }
  return undefined;
}

function numbersProblem(vector: unknown, dimension: number): Problem | undefined {
  const isArray = Array.isArray(vector);
  if (!isArray && !(vector instanceof Float32Array) && !(vector instanceof Float64Array)) {
    return invalid(`must be a Float32Array or an array of numbers, not ${describe(vector)}`);
  }
  if (vector.length !== dimension) {
    return {
      code: RvfErrorCode.DimensionMismatch,
      text: `has ${vector.length} elements, the store takes ${dimension}`,
    };
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

function packedProblem(vector: Uint8Array, dimension: number, rowBytes: number): Problem | undefined {
  if (vector.length !== rowBytes) {
    const text = `has ${vector.length} bytes, the store takes ${dimension} bits packed into ${rowBytes} bytes`;
    return { code: RvfErrorCode.DimensionMismatch, text };
  }
  const spare = dimension & 7;
  return spare !== 0 && (vector[rowBytes - 1] as number) >> spare !== 0
    ? invalid(`has bits set behind bit ${dimension - 1}, the last one; clear them`)
    : undefined;
}

/** `given` as the caller has it, `stored` as 32-bit floats: 1e39 is finite only in the first. */
function notFinite(given: ArrayLike<number>, stored: ArrayLike<number>): Problem {
  let index = 0;
  while (Number.isFinite(stored[index])) {
    index++;
  }
  return invalid(`must hold numbers that are finite as 32-bit floats; element ${index} is ${given[index]}`);
}

function allocate(bytes: number): Uint8Array {
  try {
    return new Uint8Array(bytes);
  } catch (cause) {
    return refuse('the batch', invalid(`needs ${bytes} bytes, more than there are (${cause}); split it`));
  }
}
