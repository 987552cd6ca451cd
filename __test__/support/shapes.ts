import type { DistanceMetric, RvfDatabase, RvfIngestEntry } from '@ruvector/rvf';
import { packBits, randomNumbers, randomVector } from './brute-force.js';

/** Elements of the vectors of every shape but the one of one dimension. */
const DIMENSION = 12;

/** Name of the shape whose rows are closest together. */
export const CLUSTERS = 'tight clusters far apart';

/** Sets of vectors that mislead a graph, each made row by row: what row `row` is, from numbers that are the same in every run. */
export const SHAPES: Record<string, { dimension: number; row(row: number, random: () => number): number[] }> =
  {
    'three vectors over and over': {
      dimension: DIMENSION,
      row: (row) => Array.from({ length: DIMENSION }, (_, index) => (index % 3 === row % 3 ? 1 : -1)),
    },
    zeros: { dimension: DIMENSION, row: () => Array<number>(DIMENSION).fill(0) },
    'one dimension': { dimension: 1, row: (row) => [row % 2 === 0 ? row : -row] },
    'one far away from all others': {
      dimension: DIMENSION,
      row: (row, random) => [...randomVector(random, DIMENSION)].map((value) => (row === 5 ? 1e12 : value)),
    },
    [CLUSTERS]: {
      dimension: DIMENSION,
      row: (row, random) =>
        [...randomVector(random, DIMENSION)].map(
          (value, index) => (index === row % 4 ? 100 : 0) + value * 1e-3,
        ),
    },
  };

/** The first rows of a shape, with their places as ids. */
export function shapeEntries(name: string, metric: DistanceMetric, count: number): RvfIngestEntry[] {
  const shape = SHAPES[name] as (typeof SHAPES)[string];
  const random = randomNumbers(11);
  return Array.from({ length: count }, (_, row) => {
    const numbers = shape.row(row, random);
    const vector = metric === 'hamming' ? packBits(numbers) : Float32Array.from(numbers);
    return { id: `${row}`, vector };
  });
}

/** Random entries of 12 dimensions with their places as ids. */
export function randomEntries(count: number, seed = 3): (RvfIngestEntry & { vector: Float32Array })[] {
  const random = randomNumbers(seed);
  return Array.from({ length: count }, (_, row) => ({
    id: `${row}`,
    vector: randomVector(random, DIMENSION),
    metadata: { row },
  }));
}

export function vectorsOf<V>(entries: readonly { vector: V }[]): V[] {
  return entries.map(({ vector }) => vector);
}

export function idsOf(entries: readonly { id: string }[]): string[] {
  return entries.map(({ id }) => id);
}

/** Ids of the nearest entry to each vector. */
export async function nearestIds(db: RvfDatabase, vectors: Float32Array[]): Promise<string[]> {
  const found = await db.queryBatch(vectors, 1);
  return found.map(([hit]) => hit?.id ?? 'none');
}
