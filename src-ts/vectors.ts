import { DATA_TYPES, type EngineInfo } from './engine.js';
import { floatsOfHalves, halfOf, halvesIn, writeHalves } from './half-floats.js';
import type { RvfDtype, RvfVector } from './types.js';
import { invalid, type Problem, refuse } from './validate.js';
import {
  elementsProblem,
  notFinite,
  notFiniteHalf,
  numbersProblem,
  packedProblem,
  storedLengthProblem,
} from './vector-checks.js';

const EXPONENT_ONE = 0x0080_0000;
const WITHOUT_SIGN = 0x7fff_ffff;

const DTYPES = Object.keys(DATA_TYPES) as (keyof typeof DATA_TYPES)[];
const ELEMENT_BYTES = { f32: 4, f16: 2, int8: 1, binary: 1 / 8 } as const;

/** How vectors look as bytes. */
export interface VectorShape {
  /** Elements; bits for hamming. */
  readonly dimension: number;
  readonly dtype: RvfDtype | 'binary';
  readonly rowBytes: number;
}

/** Rows as they are stored, or the bits of half floats that are. */
export type StoredRows = Float32Array | Uint16Array | Int8Array | Uint8Array;

/** The shape of a store's vectors. */
export function shapeOf({ dataType, dimension }: EngineInfo): VectorShape {
  const dtype = DTYPES.find((name) => DATA_TYPES[name] === dataType) ?? 'f32';
  return { dimension, dtype, rowBytes: Math.ceil(dimension * ELEMENT_BYTES[dtype]) };
}

/** The vectors themselves where they lie as the store has them; nothing where they must be converted. */
export function storedRows(vectors: unknown, { dtype }: VectorShape): StoredRows | undefined {
  switch (dtype) {
    case 'f32':
      return vectors instanceof Float32Array ? vectors : undefined;
    case 'f16':
      return halvesIn(vectors);
    case 'int8':
      return vectors instanceof Int8Array ? vectors : undefined;
    case 'binary':
      return vectors instanceof Uint8Array ? vectors : undefined;
  }
}

/** The bytes of an array, in place. */
export function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** Rows of vectors, checked and laid out as the engine takes them. */
export class RowWriter {
  readonly #shape: VectorShape;
  #bytes!: Uint8Array;
  // The same bytes as elements: the first two of a store of floats, the last of one of half floats.
  #floats!: Float32Array;
  #bits!: Int32Array;
  #halves!: Uint16Array;

  /** @throws RvfError `InvalidInput` where there is no memory for so many rows. */
  constructor(shape: VectorShape, rows: number) {
    this.#shape = shape;
    this.#use(allocate(rows * shape.rowBytes));
  }

  /** Makes room for at least `rows` rows, keeping those written. */
  reserve(rows: number): void {
    const { rowBytes } = this.#shape;
    const capacity = this.#bytes.length / rowBytes;
    if (rows <= capacity) {
      return;
    }
    const bytes = allocate(Math.max(rows, capacity * 2) * rowBytes);
    bytes.set(this.#bytes);
    this.#use(bytes);
  }

  /** Writes a vector as row `row`, or answers what is wrong with it; a later call may then write that row. */
  write(row: number, vector: unknown): Problem | undefined {
    if (this.#shape.dtype === 'f32') {
      return this.#writeFloats(row, vector);
    }
    const stored = storedRows(vector, this.#shape);
    if (stored !== undefined) {
      const problem = rowProblem(stored, this.#shape);
      if (problem === undefined) {
        this.#bytes.set(bytesOf(stored), row * this.#shape.rowBytes);
      }
      return problem;
    }
    const problem = numbersProblem(vector, this.#shape);
    return problem ?? this.#convert(row, vector as ArrayLike<number>);
  }

  /** The bytes of the first `rows` rows. */
  bytes(rows: number): Uint8Array {
    return this.#bytes.subarray(0, rows * this.#shape.rowBytes);
  }

  #use(bytes: Uint8Array): void {
    this.#bytes = bytes;
    if (this.#shape.dtype === 'f32') {
      this.#floats = new Float32Array(bytes.buffer);
      this.#bits = new Int32Array(bytes.buffer);
    } else if (this.#shape.dtype === 'f16') {
      this.#halves = new Uint16Array(bytes.buffer);
    }
  }

  #convert(row: number, numbers: ArrayLike<number>): Problem | undefined {
    switch (this.#shape.dtype) {
      case 'f16':
        return this.#convertToHalves(row, numbers);
      case 'int8':
        return this.#convertToSignedBytes(row, numbers);
      default:
        return this.#convertToBits(row, numbers);
    }
  }

  #writeFloats(row: number, vector: unknown): Problem | undefined {
    const { dimension } = this.#shape;
    const problem = numbersProblem(vector, this.#shape);
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

  #convertToHalves(row: number, numbers: ArrayLike<number>): Problem | undefined {
    if (writeHalves(this.#halves, row * this.#shape.dimension, numbers)) {
      return undefined;
    }
    let index = 0;
    while ((halfOf(numbers[index] as number) & 0x7c00) !== 0x7c00) {
      index++;
    }
    return notFiniteHalf(index, numbers[index] as number);
  }

  #convertToSignedBytes(row: number, numbers: ArrayLike<number>): Problem | undefined {
    const start = row * this.#shape.dimension;
    for (let index = 0; index < numbers.length; index++) {
      const value = numbers[index] as number;
      // What the low byte of a number does not say is cut off here.
      if ((value << 24) >> 24 !== value) {
        return invalid(`must hold integers from -128 to 127; element ${index} is ${value}`);
      }
      this.#bytes[start + index] = value;
    }
    return undefined;
  }

  #convertToBits(row: number, numbers: ArrayLike<number>): Problem | undefined {
    const { dimension, rowBytes } = this.#shape;
    const start = row * rowBytes;
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

/** The bytes of one vector. One that lies as it is stored is not copied: the engine does that before its call returns. */
export function vectorBytes(argument: string, vector: unknown, shape: VectorShape): Uint8Array {
  const stored = storedRows(vector, shape);
  if (stored !== undefined) {
    const problem = rowProblem(stored, shape);
    return problem === undefined ? bytesOf(stored) : refuse(argument, problem);
  }
  const writer = new RowWriter(shape, 1);
  const problem = writer.write(0, vector);
  return problem === undefined ? writer.bytes(1) : refuse(argument, problem);
}

/** A copy of one row, so that callers may keep, change or transfer it without regard to the others. */
export function vectorOf(bytes: Uint8Array, index: number, shape: VectorShape): RvfVector {
  const { dimension, rowBytes } = shape;
  const row = bytes.slice(index * rowBytes, (index + 1) * rowBytes);
  switch (shape.dtype) {
    case 'f32':
      return new Float32Array(row.buffer, row.byteOffset, dimension);
    case 'f16':
      return floatsOfHalves(new Uint16Array(row.buffer, row.byteOffset, dimension));
    case 'int8':
      return new Int8Array(row.buffer, row.byteOffset, dimension);
    case 'binary':
      return row;
  }
}

function rowProblem(row: StoredRows, shape: VectorShape): Problem | undefined {
  const problem = storedLengthProblem(row, shape) ?? elementsProblem(row);
  return problem ?? (row instanceof Uint8Array ? packedProblem(row, shape) : undefined);
}

function allocate(bytes: number): Uint8Array {
  try {
    return new Uint8Array(bytes);
  } catch (cause) {
    return refuse('the batch', invalid(`needs ${bytes} bytes, more than there are (${cause}); split it`));
  }
}
