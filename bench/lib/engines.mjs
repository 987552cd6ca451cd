// What is compared in searching: RVF and the peers, each with the settings that its searches are tried with.

import { signedBytes } from './signed-bytes.mjs';

const WIDTHS = [10, 14, 20, 28, 40, 56, 80, 112, 160, 224, 320, 448];
const each = (widths, more) => widths.map((efSearch) => ({ efSearch, ...more }));

/** A narrow search answers as many as it is wide, so none is narrower than k = 10. */
const OF_FLOATS = each([16, 24, 40, 64, 96, 144, 216, 320]);

/**
 * For each: `points` are the settings, `isAwaited` where it has no synchronous calls, `queries` how many are asked where all
 * would take too long, `hasOneThread` where it builds with one whatever is asked, `needsArrays` where it takes vectors as
 * arrays of numbers only. `isCompressed` are those of the section on compression alone; `alone` is a setting that tells what
 * there is to be found, whose time is not measured; `toQuery` makes of a query what the store takes.
 */
export const ENGINES = {
  rvf: { label: 'RVF', points: each(WIDTHS), load: rvf },
  rvfCompacted: { ...compressed('none'), label: 'RVF, compacted' },
  rvfScalar: compressed('scalar'),
  rvfScalar4: compressed('scalar, 4 bits'),
  rvfProduct: compressed('product'),
  rvfBinary: compressed('binary'),
  rvfHalf: compressed('dtype f16'),
  rvfInt8: { ...compressed('dtype int8'), toQuery: signedBytes },
  rvfProfile1: compressed('profile 1'),
  rvfProfile2: compressed('profile 2'),
  rvfProfile3: compressed('profile 3'),
  usearchF32: { label: 'usearch f32', points: OF_FLOATS, load: peer('usearch'), variant: 'f32' },
  usearchI8: {
    label: 'usearch i8',
    points: each([16, 32, 64, 128, 256, 512]),
    load: peer('usearch'),
    variant: 'i8',
  },
  hnswlib: {
    label: 'hnswlib-node',
    points: OF_FLOATS,
    load: peer('hnswlib'),
    needsArrays: true,
    hasOneThread: true,
  },
  zvecF32: { label: 'zvec f32', points: OF_FLOATS, load: peer('zvec'), variant: 'f32' },
  zvecInt8: {
    label: 'zvec int8',
    points: [...each([16, 32, 64, 128, 256]), ...each([24, 48, 96, 192, 384], { refine: true })],
    load: peer('zvec'),
    variant: 'int8',
  },
  zvecRabitq: {
    label: 'zvec RaBitQ',
    points: each([16, 32, 64, 128, 256]),
    load: peer('zvec'),
    variant: 'rabitq',
    isCompressed: true,
  },
  lancedb: {
    label: 'LanceDB HNSW-SQ',
    points: [
      ...each([20, 40, 60]),
      ...each([60, 120, 240], { refineFactor: 2 }),
      ...each([240], { refineFactor: 4 }),
    ],
    load: peer('lancedb-index'),
    isAwaited: true,
    queries: 500,
  },
  sqliteVec: {
    label: 'sqlite-vec, exact',
    points: [{}],
    load: peer('sqlite-exact'),
    queries: 20,
    hasOneThread: true,
  },
};

function rvf() {
  return import('./rvf-engine.mjs');
}

function compressed(variant) {
  const alone = [{ quality: 'exact' }];
  return { label: `RVF ${variant}`, points: each(WIDTHS), load: rvf, variant, alone, isCompressed: true };
}

function peer(module) {
  return () => import(`../peers/${module}.mjs`);
}

/** Loads an engine's package; throws where it is not installed. */
export async function loadEngine(name) {
  const { load, variant } = ENGINES[name];
  return (await load()).load(variant);
}

/** Queries as an engine takes them, so that putting them into another form is not measured. */
export function queriesFor(name, data, count) {
  const { queries, dimensions } = data;
  return Array.from({ length: count }, (_, query) => {
    const vector = queries.subarray(query * dimensions, (query + 1) * dimensions);
    const { needsArrays, toQuery } = ENGINES[name];
    return needsArrays ? Array.from(vector) : (toQuery?.(vector) ?? vector);
  });
}

/** How a setting is written. */
export function settingText(point) {
  const parts = Object.entries(point).map(([name, value]) => (value === true ? name : `${name} ${value}`));
  return parts.length > 0 ? parts.join(', ') : 'as it is';
}
