import { batchBytes } from './batch-vectors.js';
import { onlySignal } from './call.js';
import {
  type EngineHits,
  QUERY_BALANCED,
  QUERY_EXACT,
  QUERY_EXPLAIN,
  QUERY_FAST,
  QUERY_METADATA,
  QUERY_PRECISE,
  QUERY_QUALITIES,
  QUERY_VECTORS,
} from './engine.js';
import { filterText } from './filter-check.js';
import { EF_SEARCH_MAX } from './limits.js';
import {
  checkBoolean,
  checkChoice,
  checkInteger,
  checkMilliseconds,
  checkObject,
  refuseOption,
} from './options.js';
import { HitReader, parsePlan, withPlan } from './results.js';
import type { Session } from './session.js';
import type { RvfQueryOptions, RvfQuerySyncOptions, RvfScoredResult, RvfVectorInput } from './types.js';
import type { RvfHits, RvfQueryPlan } from './types-filter.js';
import { checkK, describe } from './validate.js';
import { vectorBytes } from './vectors.js';

const QUALITY_FLAGS = {
  fast: QUERY_FAST,
  balanced: QUERY_BALANCED,
  precise: QUERY_PRECISE,
  exact: QUERY_EXACT,
} as const;
const QUALITIES = Object.keys(QUALITY_FLAGS) as (keyof typeof QUALITY_FLAGS)[];
const SYNC_KEYS = new Set([
  'efSearch',
  'quality',
  'filter',
  'minScore',
  'maxDistance',
  'includeMetadata',
  'includeVectors',
  'timeoutMs',
  'explain',
]);
const KEYS = new Set([...SYNC_KEYS, 'signal']);

/** A query's options as the engine takes them. */
interface SearchPlan {
  flags: number;
  efSearch: number;
  maxDistance: number;
  timeoutMs: number;
  minScore: number;
  filter: string;
}

const PLAIN: SearchPlan = {
  flags: QUERY_METADATA,
  efSearch: Number.NaN,
  maxDistance: Number.NaN,
  timeoutMs: 0,
  minScore: Number.NEGATIVE_INFINITY,
  filter: '',
};

/** `RvfDatabase.query` over an engine. */
export async function query(
  session: Session,
  vector: RvfVectorInput,
  k: number,
  options?: RvfQueryOptions,
): Promise<RvfHits> {
  session.ensureOpen();
  const plan = planOf(options, KEYS);
  return toHits(session, await search(session, vector, k, plan, options), plan);
}

/** `RvfDatabase.querySync` over an engine. */
export function querySync(
  session: Session,
  vector: RvfVectorInput,
  k: number,
  options?: RvfQuerySyncOptions,
): RvfHits {
  session.ensureOpen();
  const plan = planOf(options, SYNC_KEYS);
  checkK(k);
  const bytes = vectorBytes('vector', vector, session.shape);
  const { flags, efSearch, maxDistance, timeoutMs, filter } = plan;
  const hits = session.runSync(() =>
    session.store.querySync(bytes, k, flags, efSearch, maxDistance, timeoutMs, filter),
  );
  return toHits(session, hits, plan);
}

/** `RvfDatabase.explain` of a query over an engine: the query is run, for its plan alone. */
export async function explainQuery(
  session: Session,
  vector: RvfVectorInput,
  k: number,
  options?: RvfQueryOptions,
): Promise<RvfQueryPlan> {
  session.ensureOpen();
  const plan = planOf(options, KEYS);
  const flags = (plan.flags & QUERY_QUALITIES) | QUERY_EXPLAIN;
  return parsePlan<RvfQueryPlan>((await search(session, vector, k, { ...plan, flags }, options)).plan);
}

/** `RvfDatabase.queryBatch` over an engine. */
export async function queryBatch(
  session: Session,
  vectors: RvfVectorInput | RvfVectorInput[],
  k: number,
  options?: RvfQueryOptions,
): Promise<RvfScoredResult[][]> {
  session.ensureOpen();
  const { flags, efSearch, maxDistance, timeoutMs, filter, minScore } = planOf(options, KEYS);
  if ((flags & QUERY_EXPLAIN) !== 0) {
    refuseOption('options.explain', 'is not known to queryBatch; explain one of its vectors with query');
  }
  checkK(k);
  const bytes = batchBytes(vectors, session.shape);
  if (bytes.length === 0) {
    return [];
  }
  const hits = await session.run(
    (control) => session.store.queryBatch(bytes, k, flags, efSearch, maxDistance, timeoutMs, filter, control),
    onlySignal(options),
  );
  const reader = new HitReader(hits, session.info, session.shape);
  let start = 0;
  return Array.from(hits.counts, (count) => {
    const results = reader.read(start, start + count, minScore);
    start += count;
    return results;
  });
}

async function search(
  session: Session,
  vector: RvfVectorInput,
  k: number,
  { flags, efSearch, maxDistance, timeoutMs, filter }: SearchPlan,
  options: RvfQueryOptions | undefined,
): Promise<EngineHits> {
  checkK(k);
  const bytes = vectorBytes('vector', vector, session.shape);
  return session.run(
    (control) => session.store.query(bytes, k, flags, efSearch, maxDistance, timeoutMs, filter, control),
    onlySignal(options),
  );
}

function toHits(session: Session, hits: EngineHits, plan: SearchPlan): RvfHits {
  const results = new HitReader(hits, session.info, session.shape).read(0, hits.ids.length, plan.minScore);
  return (plan.flags & QUERY_EXPLAIN) === 0 ? results : withPlan(results, parsePlan(hits.plan));
}

function planOf(given: RvfQueryOptions | undefined, known: ReadonlySet<string>): SearchPlan {
  if (given === undefined) {
    return PLAIN;
  }
  const options = checkObject<RvfQueryOptions>('options', given, known);
  const quality = checkChoice('options.quality', options.quality, QUALITIES, undefined);
  const flags =
    (checkBoolean('options.includeMetadata', options.includeMetadata, true) ? QUERY_METADATA : 0) |
    (checkBoolean('options.includeVectors', options.includeVectors, false) ? QUERY_VECTORS : 0) |
    (checkBoolean('options.explain', options.explain, false) ? QUERY_EXPLAIN : 0) |
    (quality === undefined ? 0 : QUALITY_FLAGS[quality]);
  return {
    flags,
    efSearch: checkInteger('options.efSearch', options.efSearch, 1, EF_SEARCH_MAX, Number.NaN),
    maxDistance: checkBound('options.maxDistance', options.maxDistance, Number.NaN),
    timeoutMs: checkMilliseconds('options.timeoutMs', options.timeoutMs, 0),
    minScore: checkBound('options.minScore', options.minScore, Number.NEGATIVE_INFINITY),
    filter: options.filter === undefined ? '' : filterText('options.filter', options.filter),
  };
}

function checkBound(name: string, value: unknown, otherwise: number): number {
  if (value === undefined) {
    return otherwise;
  }
  if (typeof value !== 'number' || Number.isNaN(value)) {
    return refuseOption(name, `must be a number, not ${describe(value)}`);
  }
  return value;
}
