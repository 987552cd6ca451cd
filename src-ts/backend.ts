import { NodeBackend, WasmBackend } from './engine-backend.js';
import type { RvfFilterExpr } from './filter.js';
import { checkBackendType } from './options.js';
import type {
  BackendType,
  DistanceMetric,
  RvfCallOptions,
  RvfCompactionResult,
  RvfDeleteResult,
  RvfDeriveOptions,
  RvfEbpfData,
  RvfGetOptions,
  RvfIndexStats,
  RvfIngestEntry,
  RvfIngestOptions,
  RvfIngestResult,
  RvfIngestSyncOptions,
  RvfIterateOptions,
  RvfKernelData,
  RvfOpenBytesOptions,
  RvfOpenOptions,
  RvfOptions,
  RvfProgressOptions,
  RvfQueryOptions,
  RvfQuerySyncOptions,
  RvfRow,
  RvfSearchResult,
  RvfSegmentInfo,
  RvfStatus,
  RvfVectorInput,
  RvfVerifyResult,
  RvfWitnessResult,
} from './types.js';
import type {
  RvfChanges,
  RvfChangesOptions,
  RvfFilterPlan,
  RvfFilterQueryOptions,
  RvfListOptions,
  RvfPage,
  RvfQueryPlan,
  RvfReplaceResult,
  RvfSchemaField,
  RvfUpdateResult,
  RvfWriteOptions,
} from './types-filter.js';

export { NodeBackend, WasmBackend };

/**
 * What serves an `RvfDatabase`. The methods without `?` are those of version 0.2; a backend that has only them works,
 * and what it lacks is refused with `NotSupportedHere`. Each method does what the one of `RvfDatabase` does.
 */
export interface RvfBackend {
  create(path: string, options: RvfOptions): Promise<void>;
  open(path: string, options?: RvfOpenOptions): Promise<void>;
  openReadonly(path: string, options?: RvfOpenOptions): Promise<void>;
  ingestBatch(entries: readonly RvfIngestEntry[], options?: RvfIngestOptions): Promise<RvfIngestResult>;
  query(vector: Float32Array, k: number, options?: RvfQueryOptions): Promise<RvfSearchResult[]>;
  delete(ids: readonly string[]): Promise<RvfDeleteResult>;
  deleteByFilter(filter: RvfFilterExpr, options?: RvfWriteOptions): Promise<RvfDeleteResult>;
  compact(options?: RvfProgressOptions): Promise<RvfCompactionResult>;
  status(): Promise<RvfStatus>;
  close(): Promise<void>;
  fileId(): Promise<string>;
  parentId(): Promise<string>;
  lineageDepth(): Promise<number>;
  derive(childPath: string, options?: RvfDeriveOptions): Promise<RvfBackend>;
  embedKernel(
    arch: number,
    kernelType: number,
    flags: number,
    image: Uint8Array,
    apiPort: number,
    cmdline?: string,
  ): Promise<number>;
  extractKernel(): Promise<RvfKernelData | null>;
  embedEbpf(
    programType: number,
    attachType: number,
    maxDimension: number,
    bytecode: Uint8Array,
    btf?: Uint8Array,
  ): Promise<number>;
  extractEbpf(): Promise<RvfEbpfData | null>;
  segments(): Promise<RvfSegmentInfo[]>;
  dimension(): Promise<number>;

  openBytes?(bytes: Uint8Array, options?: RvfOpenBytesOptions): Promise<void>;
  metric?(): DistanceMetric;
  indexStats?(): RvfIndexStats;
  verifyWitness?(): RvfWitnessResult;
  freeze?(): number;
  ingestBatchSync?(entries: readonly RvfIngestEntry[], options?: RvfIngestSyncOptions): RvfIngestResult;
  querySync?(vector: RvfVectorInput, k: number, options?: RvfQuerySyncOptions): RvfSearchResult[];
  queryBatch?(
    vectors: RvfVectorInput | RvfVectorInput[],
    k: number,
    options?: RvfQueryOptions,
  ): Promise<RvfSearchResult[][]>;
  deleteSync?(ids: readonly string[]): RvfDeleteResult;
  get?(ids: readonly string[], options?: RvfGetOptions): Promise<RvfRow[]>;
  has?(id: string): Promise<boolean>;
  count?(filter?: RvfFilterExpr, options?: RvfCallOptions): Promise<number>;
  list?(options?: RvfListOptions): Promise<RvfPage>;
  queryByFilter?(filter: RvfFilterExpr, options?: RvfFilterQueryOptions): Promise<RvfRow[]>;
  updateMetadata?(
    target: readonly string[] | RvfFilterExpr,
    patch: object,
    options?: RvfWriteOptions,
  ): Promise<RvfUpdateResult>;
  replaceWhere?(
    filter: RvfFilterExpr,
    entries: readonly RvfIngestEntry[],
    options?: RvfIngestOptions,
  ): Promise<RvfReplaceResult>;
  changes?(sinceEpoch: number, options?: RvfChangesOptions): Promise<RvfChanges>;
  /** `RvfDatabase.explain` of a filter. */
  explain?(filter: RvfFilterExpr): Promise<RvfFilterPlan>;
  /** `RvfDatabase.explain` of a query. */
  explainQuery?(vector: RvfVectorInput, k: number, options?: RvfQueryOptions): Promise<RvfQueryPlan>;
  schema?(): RvfSchemaField[];
  iterate?(options?: RvfIterateOptions): AsyncIterableIterator<RvfRow>;
  refresh?(): Promise<boolean>;
  waitForIndex?(options?: RvfProgressOptions): Promise<void>;
  backup?(path: string, options?: RvfProgressOptions): Promise<void>;
  verify?(options?: RvfProgressOptions): Promise<RvfVerifyResult>;
  exportBytes?(): Promise<Uint8Array>;
}

/**
 * A backend without a store yet.
 *
 * @param type - `'node'`: the native addon. `'wasm'`: WebAssembly. `'auto'`: the best there is, which is the addon.
 * @throws RvfError `InvalidOptions` where `type` is none of them. Whether the engine can be loaded shows when a store is
 * created or opened.
 */
export function resolveBackend(type: BackendType): RvfBackend {
  return checkBackendType('type', type) === 'wasm' ? new WasmBackend() : new NodeBackend();
}
