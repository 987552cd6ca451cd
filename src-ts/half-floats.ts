/** The largest half float. */
export const HALF_MAX = 65_504;

const SIGN = 0x8000;
const INFINITY = 0x7c00;
/** Added to the bits of a magnitude, it reaches the sign exactly where all bits of the exponent are set. */
const EXPONENT_ONE = 0x0400;
/** Of doubles this large the unit in the last place is 1: adding it rounds to an integer, ties to even. */
const ROUNDER = 2 ** 52;
/** How much smaller a half float is than a float whose exponent and fraction have the same bits, moved. */
const BIAS_DIFFERENCE = 2 ** 112;

const double = new Float64Array(1);
const words = new Int32Array(double.buffer);
/** Units in the last place for 1, by the half float's exponent, from that of subnormals on. */
const UNITS = Float64Array.from({ length: 30 }, (_, exponent) => 2 ** (24 - exponent));

/** The bits of the half float nearest to `value`, ties to even; those of infinity for all beyond the range and for NaN. */
export function halfOf(value: number): number {
  double[0] = value;
  const high = words[1] as number;
  const sign = (high >>> 16) & SIGN;
  // A half float's exponents are -14 to 15; what is smaller shares the unit of the first.
  const exponent = Math.max(((high >>> 20) & 0x7ff) - 1023 + 14, 0);
  if (exponent >= UNITS.length) {
    return sign | INFINITY;
  }
  const units = Math.abs(value) * (UNITS[exponent] as number) + ROUNDER - ROUNDER;
  // Rounding up to the next power of two carries into the exponent.
  return sign | ((exponent << 10) + units);
}

/** Writes numbers as half floats, the first at `start`; answers whether all of them are finite as such. */
export function writeHalves(target: Uint16Array, start: number, numbers: ArrayLike<number>): boolean {
  let collected = 0;
  for (let index = 0; index < numbers.length; index++) {
    const half = halfOf(numbers[index] as number);
    target[start + index] = half;
    collected |= (half & ~SIGN) + EXPONENT_ONE;
  }
  return (collected & SIGN) === 0;
}

/** Whether the half floats of these bits are finite. */
export function areFiniteHalves(halves: Uint16Array): boolean {
  let collected = 0;
  for (let index = 0; index < halves.length; index++) {
    collected |= ((halves[index] as number) & ~SIGN) + EXPONENT_ONE;
  }
  return (collected & SIGN) === 0;
}

/** The half floats of these bits as floats, which hold each of them exactly. All must be finite. */
export function floatsOfHalves(halves: Uint16Array): Float32Array {
  const floats = new Float32Array(halves.length);
  const bits = new Uint32Array(floats.buffer);
  for (let index = 0; index < halves.length; index++) {
    const half = halves[index] as number;
    bits[index] = (half & ~SIGN) << 13;
    floats[index] = (floats[index] as number) * ((half & SIGN) === 0 ? BIAS_DIFFERENCE : -BIAS_DIFFERENCE);
  }
  return floats;
}

/** The bits of half floats: those of a `Float16Array`, in place, or a `Uint16Array` itself; nothing for all else. */
export function halvesIn(vector: unknown): Uint16Array | undefined {
  if (vector instanceof Uint16Array) {
    return vector;
  }
  // Asked by name: not every runtime has the class.
  if (ArrayBuffer.isView(vector) && Object.prototype.toString.call(vector) === '[object Float16Array]') {
    return new Uint16Array(vector.buffer, vector.byteOffset, vector.byteLength / 2);
  }
  return undefined;
}
