import type { RvfBackend } from './backend.js';
import { notSupported } from './errors.js';
import type { RvfFilterExpr } from './filter.js';
import { scoreOf, withPlan } from './results.js';
import type * as types from './types.js';
import type * as filters from './types-filter.js';

const QUERY_KEYS_OF_02 = ['efSearch', 'filter', 'timeoutMs'];

/** What serves an `RvfDatabase`: everything. */
export interface DatabaseBackend extends Required<RvfBackend> {
  query(vector: types.RvfVectorInput, k: number, options?: types.RvfQueryOptions): Promise<filters.RvfHits>;
  querySync(vector: types.RvfVectorInput, k: number, options?: types.RvfQuerySyncOptions): filters.RvfHits;
  queryBatch(
    vectors: types.RvfVectorInput | types.RvfVectorInput[],
    k: number,
    options?: types.RvfQueryOptions,
  ): Promise<types.RvfScoredResult[][]>;
}

type Optional = Exclude<
  { [K in keyof RvfBackend]-?: undefined extends RvfBackend[K] ? K : never }[keyof RvfBackend],
  undefined
>;

/** A backend of somebody else: calls go through, and what it lacks is refused instead of passed over. */
export class ForeignBackend implements DatabaseBackend {
  readonly #backend: RvfBackend;

  constructor(backend: RvfBackend) {
    this.#backend = backend;
  }

  create(path: string, options: types.RvfOptions): Promise<void> {
    return this.#backend.create(path, options);
  }

  open(path: string, options?: types.RvfOpenOptions): Promise<void> {
    return this.#backend.open(path, options);
  }

  openReadonly(path: string, options?: types.RvfOpenOptions): Promise<void> {
    return this.#backend.openReadonly(path, options);
  }

  openBytes(bytes: Uint8Array, options?: types.RvfOpenBytesOptions): Promise<void> {
    return this.#optional('openBytes')(bytes, options);
  }

  ingestBatch(
    entries: readonly types.RvfIngestEntry[],
    options?: types.RvfIngestOptions,
  ): Promise<types.RvfIngestResult> {
    this.#refuseOptions('ingestBatch', options, []);
    return this.#backend.ingestBatch(entries);
  }

  ingestBatchSync(
    entries: readonly types.RvfIngestEntry[],
    options?: types.RvfIngestSyncOptions,
  ): types.RvfIngestResult {
    return this.#optional('ingestBatchSync')(entries, options);
  }

  async query(
    vector: types.RvfVectorInput,
    k: number,
    options?: types.RvfQueryOptions,
  ): Promise<filters.RvfHits> {
    this.#refuseOptions('query', options, QUERY_KEYS_OF_02);
    const floats = vector instanceof Float32Array ? vector : Float32Array.from(vector);
    return this.#score(await this.#backend.query(floats, k, options), floats.length);
  }

  querySync(vector: types.RvfVectorInput, k: number, options?: types.RvfQuerySyncOptions): filters.RvfHits {
    const hits: types.RvfSearchResult[] & Pick<filters.RvfHits, 'plan'> = this.#optional('querySync')(
      vector,
      k,
      options,
    );
    const scored = this.#score(hits, vector.length);
    return hits.plan === undefined ? scored : withPlan(scored, hits.plan);
  }

  async queryBatch(
    vectors: types.RvfVectorInput | types.RvfVectorInput[],
    k: number,
    options?: types.RvfQueryOptions,
  ): Promise<types.RvfScoredResult[][]> {
    const answers = await this.#optional('queryBatch')(vectors, k, options);
    const dimension = await this.#backend.dimension();
    return answers.map((results) => this.#score(results, dimension));
  }

  delete(ids: readonly string[]): Promise<types.RvfDeleteResult> {
    return this.#backend.delete(ids);
  }

  deleteSync(ids: readonly string[]): types.RvfDeleteResult {
    return this.#optional('deleteSync')(ids);
  }

  deleteByFilter(filter: RvfFilterExpr, options?: filters.RvfWriteOptions): Promise<types.RvfDeleteResult> {
    this.#refuseOptions('deleteByFilter', options, []);
    return this.#backend.deleteByFilter(filter);
  }

  updateMetadata(
    target: readonly string[] | RvfFilterExpr,
    patch: object,
    options?: filters.RvfWriteOptions,
  ): Promise<filters.RvfUpdateResult> {
    return this.#optional('updateMetadata')(target, patch, options);
  }

  replaceWhere(
    filter: RvfFilterExpr,
    entries: readonly types.RvfIngestEntry[],
    options?: types.RvfIngestOptions,
  ): Promise<filters.RvfReplaceResult> {
    return this.#optional('replaceWhere')(filter, entries, options);
  }

  get(ids: readonly string[], options?: types.RvfGetOptions): Promise<types.RvfRow[]> {
    return this.#optional('get')(ids, options);
  }

  has(id: string): Promise<boolean> {
    return this.#optional('has')(id);
  }

  async count(filter?: RvfFilterExpr, options?: types.RvfCallOptions): Promise<number> {
    if (this.#backend.count !== undefined || filter !== undefined) {
      return this.#optional('count')(filter, options);
    }
    this.#refuseOptions('count', options, []);
    return (await this.#backend.status()).totalVectors;
  }

  list(options?: filters.RvfListOptions): Promise<filters.RvfPage> {
    return this.#optional('list')(options);
  }

  queryByFilter(filter: RvfFilterExpr, options?: filters.RvfFilterQueryOptions): Promise<types.RvfRow[]> {
    return this.#optional('queryByFilter')(filter, options);
  }

  changes(sinceEpoch: number, options?: filters.RvfChangesOptions): Promise<filters.RvfChanges> {
    return this.#optional('changes')(sinceEpoch, options);
  }

  explain(filter: RvfFilterExpr): Promise<filters.RvfFilterPlan> {
    return this.#optional('explain')(filter);
  }

  explainQuery(
    vector: types.RvfVectorInput,
    k: number,
    options?: types.RvfQueryOptions,
  ): Promise<filters.RvfQueryPlan> {
    return this.#optional('explainQuery')(vector, k, options);
  }

  schema(): filters.RvfSchemaField[] {
    return this.#optional('schema')();
  }

  iterate(options?: types.RvfIterateOptions): AsyncIterableIterator<types.RvfRow> {
    return this.#optional('iterate')(options);
  }

  waitForIndex(options?: types.RvfProgressOptions): Promise<void> {
    return this.#optional('waitForIndex')(options);
  }

  compact(options?: types.RvfProgressOptions): Promise<types.RvfCompactionResult> {
    this.#refuseOptions('compact', options, []);
    return this.#backend.compact();
  }

  backup(path: string, options?: types.RvfProgressOptions): Promise<void> {
    return this.#optional('backup')(path, options);
  }

  verify(options?: types.RvfProgressOptions): Promise<types.RvfVerifyResult> {
    return this.#optional('verify')(options);
  }

  status(): Promise<types.RvfStatus> {
    return this.#backend.status();
  }

  segments(): Promise<types.RvfSegmentInfo[]> {
    return this.#backend.segments();
  }

  dimension(): Promise<number> {
    return this.#backend.dimension();
  }

  fileId(): Promise<string> {
    return this.#backend.fileId();
  }

  parentId(): Promise<string> {
    return this.#backend.parentId();
  }

  lineageDepth(): Promise<number> {
    return this.#backend.lineageDepth();
  }

  metric(): types.DistanceMetric {
    return this.#optional('metric')();
  }

  indexStats(): types.RvfIndexStats {
    return this.#optional('indexStats')();
  }

  verifyWitness(): types.RvfWitnessResult {
    return this.#optional('verifyWitness')();
  }

  freeze(): number {
    return this.#optional('freeze')();
  }

  refresh(): Promise<boolean> {
    return this.#optional('refresh')();
  }

  exportBytes(): Promise<Uint8Array> {
    return this.#optional('exportBytes')();
  }

  derive(childPath: string, options?: types.RvfDeriveOptions): Promise<RvfBackend> {
    return this.#backend.derive(childPath, options);
  }

  embedKernel(...given: Parameters<RvfBackend['embedKernel']>): Promise<number> {
    return this.#backend.embedKernel(...given);
  }

  extractKernel(): Promise<types.RvfKernelData | null> {
    return this.#backend.extractKernel();
  }

  embedEbpf(...given: Parameters<RvfBackend['embedEbpf']>): Promise<number> {
    return this.#backend.embedEbpf(...given);
  }

  extractEbpf(): Promise<types.RvfEbpfData | null> {
    return this.#backend.extractEbpf();
  }

  async close(): Promise<void> {
    await this.#backend.close();
  }

  /** A method that the backend may have. */
  #optional<K extends Optional>(name: K): Required<RvfBackend>[K] {
    const method = this.#backend[name];
    if (typeof method !== 'function') {
      throw notSupported(name, 'the backend given to fromBackend does not have it');
    }
    return method.bind(this.#backend) as Required<RvfBackend>[K];
  }

  /** Options which version 0.2 does not have, and a backend of its kind would pass over. */
  #refuseOptions(name: string, options: object | undefined, known: readonly string[]): void {
    for (const [key, value] of Object.entries(options ?? {})) {
      if (value !== undefined && !known.includes(key)) {
        throw notSupported(
          `${name} with options.${key}`,
          'backends given to fromBackend need not know it; leave it out',
        );
      }
    }
  }

  #score(results: types.RvfSearchResult[], dimension: number): types.RvfScoredResult[] {
    const metric = this.#backend.metric?.();
    return results.map((result) => ({
      ...result,
      score:
        result.score ?? (metric === undefined ? Number.NaN : scoreOf(metric, result.distance, dimension)),
    }));
  }
}
