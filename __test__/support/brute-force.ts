import type { DistanceMetric } from '../../src-ts/types.js';

/** Distance by the definition, in double precision. Hamming takes packed bits. */
export function distanceBetween(metric: DistanceMetric, a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (metric === 'hamming') {
    return differingBits(a, b);
  }
  let dot = 0;
  let squares = 0;
  let lengthA = 0;
  let lengthB = 0;
  for (let index = 0; index < a.length; index++) {
    const x = a[index] as number;
    const y = b[index] as number;
    dot += x * y;
    squares += (x - y) * (x - y);
    lengthA += x * x;
    lengthB += y * y;
  }
  switch (metric) {
    case 'l2':
      return squares;
    case 'dotproduct':
      return -dot;
    case 'cosine':
      return lengthA === 0 || lengthB === 0 ? 1 : 1 - dot / Math.sqrt(lengthA * lengthB);
  }
}

function differingBits(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let bits = 0;
  for (let index = 0; index < a.length; index++) {
    bits += onesIn((a[index] as number) ^ (b[index] as number));
  }
  return bits;
}

/** Bytes of a stored vector, by the number of its type in the file. */
export function rowBytesOf(dataType: number, dimension: number): number {
  return Math.ceil(dimension * ({ 0: 4, 1: 2, 3: 1, 5: 1 / 8 }[dataType] as number));
}

/** The elements of a stored vector; the bytes themselves of packed bits. */
export function valuesOf(bytes: Uint8Array, dataType: number): ArrayLike<number> {
  const copy = bytes.slice().buffer;
  switch (dataType) {
    case 0:
      return new Float32Array(copy);
    case 1:
      return Array.from(new Uint16Array(copy), halfValue);
    case 3:
      return new Int8Array(copy);
    default:
      return bytes;
  }
}

/** The value of a half float, by its definition. */
export function halfValue(bits: number): number {
  const fraction = (bits & 0x3ff) / 1024;
  const exponent = (bits >> 10) & 31;
  const magnitude = exponent === 0 ? fraction * 2 ** -14 : (1 + fraction) * 2 ** (exponent - 15);
  return bits >> 15 === 0 ? magnitude : -magnitude;
}

/** Numbers from 0 to 1 that are the same in every run. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A vector of numbers from -1 to 1. */
export function randomVector(random: () => number, dimension: number): Float32Array {
  return Float32Array.from({ length: dimension }, () => random() * 2 - 1);
}

/** Packed bits, lowest first; the spare ones of the last byte are clear. */
export function packBits(bits: ArrayLike<number>): Uint8Array {
  const packed = new Uint8Array((bits.length + 7) >> 3);
  for (let index = 0; index < bits.length; index++) {
    if ((bits[index] as number) > 0) {
      packed[index >> 3] = (packed[index >> 3] as number) | (1 << (index & 7));
    }
  }
  return packed;
}

function onesIn(byte: number): number {
  let ones = 0;
  for (let rest = byte & 0xff; rest !== 0; rest >>= 1) {
    ones += rest & 1;
  }
  return ones;
}
