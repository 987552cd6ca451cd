// XXH3, 64 and 128 bits, after the public specification (github.com/Cyan4973/xxHash, doc/xxhash_spec.md), for the
// independent reader: slow, short, and sharing nothing with the engine's. Inputs of 128-bit hashes have at least 17 bytes.

const MASK = 0xffff_ffff_ffff_ffffn;
const P32 = [0x9e3779b1n, 0x85ebca77n, 0xc2b2ae3dn] as const;
const P64 = [
  0x9e3779b185ebca87n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x85ebca77c2b2ae63n,
  0x27d4eb2f165667c5n,
] as const;
const SECRET = Buffer.from(
  'b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221' +
    'b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8' +
    'a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb' +
    '170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e',
  'hex',
);

const wrap = (value: bigint): bigint => value & MASK;
const u32 = (bytes: Buffer, at: number): bigint => BigInt(bytes.readUInt32LE(at));
const u64 = (bytes: Buffer, at: number): bigint => bytes.readBigUInt64LE(at);
const rotate = (value: bigint, by: bigint): bigint => wrap(value << by) | (value >> (64n - by));

function swap(value: bigint): bigint {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes.readBigUInt64BE();
}

function fold(left: bigint, right: bigint): bigint {
  const product = left * right;
  return wrap(product) ^ (product >> 64n);
}

function avalanche(value: bigint): bigint {
  const mixed = wrap((value ^ (value >> 37n)) * 0x165667919e3779f9n);
  return mixed ^ (mixed >> 32n);
}

function avalanche64(value: bigint): bigint {
  const first = wrap((value ^ (value >> 33n)) * P64[1]);
  const second = wrap((first ^ (first >> 29n)) * P64[2]);
  return second ^ (second >> 32n);
}

function mix16(input: Buffer, at: number, secretAt: number, seed: bigint): bigint {
  const low = u64(input, at) ^ wrap(u64(SECRET, secretAt) + seed);
  const high = u64(input, at + 8) ^ wrap(u64(SECRET, secretAt + 8) - seed);
  return fold(low, high);
}

/** XXH3-64. */
export function xxh3(input: Buffer, seed = 0n): bigint {
  const length = input.length;
  if (length > 240) {
    return mergeLanes(longLanes(input, secretFor(seed)), secretFor(seed), 11, wrap(BigInt(length) * P64[0]));
  }
  if (length <= 16) {
    return short(input, seed);
  }
  let sum = wrap(BigInt(length) * P64[0]);
  if (length <= 128) {
    for (let index = Math.ceil(length / 32) - 1; index >= 0; index--) {
      sum += mix16(input, 16 * index, 32 * index, seed);
      sum += mix16(input, length - 16 * (index + 1), 32 * index + 16, seed);
    }
    return avalanche(wrap(sum));
  }
  for (let index = 0; index < 8; index++) {
    sum += mix16(input, 16 * index, 16 * index, seed);
  }
  sum = avalanche(wrap(sum));
  for (let index = 8; index < Math.floor(length / 16); index++) {
    sum += mix16(input, 16 * index, 16 * (index - 8) + 3, seed);
  }
  return avalanche(wrap(sum + mix16(input, length - 16, 119, seed)));
}

function short(input: Buffer, seed: bigint): bigint {
  const length = input.length;
  if (length === 0) {
    return avalanche64(seed ^ u64(SECRET, 56) ^ u64(SECRET, 64));
  }
  if (length <= 3) {
    const [first = 0, middle = 0, last = 0] = [input[0], input[length >> 1], input[length - 1]];
    const combined = BigInt(((first << 16) | (middle << 24) | last | (length << 8)) >>> 0);
    return avalanche64(combined ^ wrap((u32(SECRET, 0) ^ u32(SECRET, 4)) + seed));
  }
  if (length <= 8) {
    const keyedSeed = seed ^ wrap((swap(seed & 0xffff_ffffn) >> 32n) << 32n);
    const flip = wrap((u64(SECRET, 8) ^ u64(SECRET, 16)) - keyedSeed);
    const keyed = (u32(input, length - 4) + (u32(input, 0) << 32n)) ^ flip;
    const first = wrap((keyed ^ rotate(keyed, 49n) ^ rotate(keyed, 24n)) * 0x9fb21c651e98df25n);
    const second = wrap((first ^ wrap((first >> 35n) + BigInt(length))) * 0x9fb21c651e98df25n);
    return second ^ (second >> 28n);
  }
  const low = u64(input, 0) ^ wrap((u64(SECRET, 24) ^ u64(SECRET, 32)) + seed);
  const high = u64(input, length - 8) ^ wrap((u64(SECRET, 40) ^ u64(SECRET, 48)) - seed);
  return avalanche(wrap(BigInt(length) + swap(low) + high + fold(low, high)));
}

/** XXH3-128 without a seed, as the format stores it: the low half first, little-endian. */
export function xxh3Wide(input: Buffer): Buffer {
  const length = BigInt(input.length);
  if (input.length > 240) {
    const lanes = longLanes(input, SECRET);
    const low = mergeLanes(lanes, SECRET, 11, wrap(length * P64[0]));
    return stored(low, mergeLanes(lanes, SECRET, 192 - 64 - 11, MASK ^ wrap(length * P64[1])));
  }
  let [low, high] = [wrap(length * P64[0]), 0n];
  const mix32 = (first: number, second: number, secretAt: number): void => {
    low = wrap(low + mix16(input, first, secretAt, 0n)) ^ wrap(u64(input, second) + u64(input, second + 8));
    high =
      wrap(high + mix16(input, second, secretAt + 16, 0n)) ^ wrap(u64(input, first) + u64(input, first + 8));
  };
  if (input.length <= 128) {
    for (let index = Math.ceil(input.length / 32) - 1; index >= 0; index--) {
      mix32(16 * index, input.length - 16 * (index + 1), 32 * index);
    }
  } else {
    for (let index = 0; index < Math.floor(input.length / 32); index++) {
      if (index === 4) {
        [low, high] = [avalanche(low), avalanche(high)];
      }
      mix32(32 * index, 32 * index + 16, index < 4 ? 32 * index : 32 * (index - 4) + 3);
    }
    if (input.length < 160) {
      [low, high] = [avalanche(low), avalanche(high)];
    }
    mix32(input.length - 16, input.length - 32, 103);
  }
  const mixed = wrap(low * P64[0] + high * P64[3] + length * P64[1]);
  return stored(avalanche(wrap(low + high)), wrap(-avalanche(mixed)));
}

function stored(low: bigint, high: bigint): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64LE(low, 0);
  bytes.writeBigUInt64LE(high, 8);
  return bytes;
}

function secretFor(seed: bigint): Buffer {
  if (seed === 0n) {
    return SECRET;
  }
  const secret = Buffer.alloc(SECRET.length);
  for (let at = 0; at < SECRET.length; at += 16) {
    secret.writeBigUInt64LE(wrap(u64(SECRET, at) + seed), at);
    secret.writeBigUInt64LE(wrap(u64(SECRET, at + 8) - seed), at + 8);
  }
  return secret;
}

/** The eight sums of an input of more than 240 bytes. */
function longLanes(input: Buffer, secret: Buffer): bigint[] {
  const lanes = [P32[2], P64[0], P64[1], P64[2], P64[3], P32[1], P64[4], P32[0]] as bigint[];
  const accumulate = (at: number, secretAt: number): void => {
    for (let lane = 0; lane < 8; lane++) {
      const value = u64(input, at + 8 * lane);
      const keyed = value ^ u64(secret, secretAt + 8 * lane);
      lanes[lane ^ 1] = wrap((lanes[lane ^ 1] as bigint) + value);
      lanes[lane] = wrap((lanes[lane] as bigint) + (keyed & 0xffff_ffffn) * (keyed >> 32n));
    }
  };
  const stripes = Math.floor((input.length - 1) / 64);
  for (let stripe = 0; stripe < stripes; stripe++) {
    if (stripe > 0 && stripe % 16 === 0) {
      scramble(lanes, secret);
    }
    accumulate(64 * stripe, 8 * (stripe % 16));
  }
  if (stripes % 16 === 0) {
    scramble(lanes, secret);
  }
  accumulate(input.length - 64, 192 - 64 - 7);
  return lanes;
}

function scramble(lanes: bigint[], secret: Buffer): void {
  for (let lane = 0; lane < 8; lane++) {
    const value = lanes[lane] as bigint;
    lanes[lane] = wrap((value ^ (value >> 47n) ^ u64(secret, 128 + 8 * lane)) * P32[0]);
  }
}

function mergeLanes(lanes: bigint[], secret: Buffer, secretAt: number, start: bigint): bigint {
  let sum = start;
  for (let pair = 0; pair < 4; pair++) {
    const left = (lanes[2 * pair] as bigint) ^ u64(secret, secretAt + 16 * pair);
    const right = (lanes[2 * pair + 1] as bigint) ^ u64(secret, secretAt + 16 * pair + 8);
    sum += fold(left, right);
  }
  return avalanche(wrap(sum));
}
