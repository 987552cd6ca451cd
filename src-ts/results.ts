import { type EngineHits, type EngineInfo, type EngineRows, METRIC_NAMES } from './engine.js';
import { RvfError, RvfErrorCode } from './errors.js';
import type { DistanceMetric, RvfMetadata, RvfRow, RvfScoredResult } from './types.js';
import type { RvfHits, RvfQueryPlan } from './types-filter.js';
import { type VectorShape, vectorOf } from './vectors.js';

/** The name of a store's metric. */
export function metricName(info: EngineInfo): DistanceMetric {
  return METRIC_NAMES[info.metric] ?? 'l2';
}

/** How alike two vectors at a distance are; see `DistanceMetric`. */
export function scoreOf(metric: DistanceMetric, distance: number, bits: number): number {
  switch (metric) {
    case 'cosine':
      return 1 - distance;
    case 'l2':
      return 1 / (1 + distance);
    case 'dotproduct':
      // Not `-distance`, which makes a zero of the wrong sign.
      return 0 - distance;
    case 'hamming':
      return 1 - distance / bits;
  }
}

/** Hits `from` to `to` of an engine's answer as objects, without those under `minScore`. */
export class HitReader {
  readonly #hits: EngineHits;
  readonly #metadata: MetadataReader;
  readonly #lossy: ReadonlySet<number> | undefined;
  readonly #metric: DistanceMetric;
  readonly #shape: VectorShape;

  constructor(hits: EngineHits, info: EngineInfo, shape: VectorShape) {
    this.#hits = hits;
    this.#metadata = new MetadataReader(hits);
    this.#lossy = indexSet(hits.lossy);
    this.#metric = metricName(info);
    this.#shape = shape;
  }

  read(from: number, to: number, minScore: number): RvfScoredResult[] {
    const { ids, distances, vectors } = this.#hits;
    const results: RvfScoredResult[] = [];
    for (let index = from; index < to; index++) {
      // `+ 0` makes a zero of -0, which a dot product of 0 has.
      const distance = (distances[index] as number) + 0;
      const score = scoreOf(this.#metric, distance, this.#shape.dimension);
      // Scores descend as distances ascend: no later hit can have a better one.
      if (score < minScore) {
        break;
      }
      const result: RvfScoredResult = { id: ids[index] as string, distance, score };
      this.#metadata.attach(result, index);
      if (vectors !== undefined) {
        result.vector = vectorOf(vectors, index, this.#shape);
        if (this.#lossy?.has(index) === true) {
          result.lossy = true;
        }
      }
      results.push(result);
    }
    return results;
  }
}

/** Hits that say how they were found; for who looks at the array they are as before. */
export function withPlan(hits: RvfScoredResult[], plan: RvfQueryPlan): RvfHits {
  return Object.defineProperty(hits, 'plan', { value: plan });
}

/** An engine's plan as an object. */
export function parsePlan<Plan>(text: string | undefined): Plan {
  if (text === undefined) {
    throw new RvfError(RvfErrorCode.Internal, 'the engine answered no plan though it was asked for one');
  }
  return JSON.parse(text) as Plan;
}

/** An engine's rows as objects. */
export function toRows(rows: EngineRows, shape: VectorShape): RvfRow[] {
  const metadata = new MetadataReader(rows);
  const lossy = indexSet(rows.lossy);
  return rows.ids.map((id, index) => {
    const row: RvfRow = { id };
    metadata.attach(row, index);
    if (rows.vectors !== undefined) {
      row.vector = vectorOf(rows.vectors, index, shape);
      if (lossy?.has(index) === true) {
        row.lossy = true;
      }
    }
    return row;
  });
}

/** Metadata of many rows, parsed at once. */
class MetadataReader {
  readonly #values: RvfMetadata[] | undefined;
  readonly #absent: ReadonlySet<number> | undefined;

  constructor(answer: { metadata?: string; withoutMetadata?: number[] }) {
    this.#values = answer.metadata === undefined ? undefined : parse(answer.metadata);
    this.#absent = indexSet(answer.withoutMetadata);
  }

  attach(target: { metadata?: RvfMetadata }, index: number): void {
    if (this.#values !== undefined && this.#absent?.has(index) !== true) {
      target.metadata = this.#values[index] as RvfMetadata;
    }
  }
}

function indexSet(indexes: number[] | undefined): ReadonlySet<number> | undefined {
  return indexes === undefined ? undefined : new Set(indexes);
}

function parse(text: string): RvfMetadata[] {
  try {
    return JSON.parse(text) as RvfMetadata[];
  } catch (cause) {
    const detail = 'the stored metadata is not JSON any more; run verify() and restore a backup';
    throw new RvfError(RvfErrorCode.InvalidChecksum, detail, { cause });
  }
}
