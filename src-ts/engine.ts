/**
 * The one internal interface between the SDK and an engine. The native addon and the WASM loader implement it; no
 * other module of the SDK knows which of them it talks to.
 *
 * Conventions: strings go in packed (UTF-8 bytes and `n + 1` offsets), vectors go in as the bytes of their rows, and
 * answers come back as structs of arrays. Arguments are copied before a call returns. A failure is an `Error` whose
 * message starts with the four hex digits of its code in brackets, as in `[0305] ...`; `RvfError.fromNative` reads it. A
 * call that `EngineControl.cancel` stopped fails with `[0205]`, and has applied nothing.
 *
 * Metadata travels as JSON text that the engine keeps byte for byte: it may hold escapes of lone surrogates (`\ud800`),
 * which strict parsers refuse. An entry without metadata has an empty text; the text `null` is the value null.
 *
 * A `filter` is the JSON text that `filterText` makes, and '' where there is none; the engine checks it again and fails
 * with `[0203]` for one that breaks a rule.
 */

/** Metric numbers as in the file. */
export const METRIC_NAMES = ['l2', 'cosine', 'dotproduct', 'hamming'] as const;

/** Element types of stored vectors, as in the file. */
export const DATA_TYPES = { f32: 0, f16: 1, int8: 3, binary: 5 } as const;

/** What happens to an entry whose id is stored already. */
export const ON_DUPLICATE = { replace: 0, error: 1, skip: 2 } as const;

/** When a commit is made durable. */
export const DURABILITY = { commit: 0, interval: 1, none: 2 } as const;

/** Bits of the `flags` argument of the query calls. */
export const QUERY_METADATA = 1;
export const QUERY_VECTORS = 2;
export const QUERY_EXACT = 4;
export const QUERY_EXPLAIN = 8;
export const QUERY_FAST = 16;
export const QUERY_BALANCED = 32;
export const QUERY_PRECISE = 64;
/** The bits that say how thorough a search is: one of them, or none for the tier that callers get who ask for nothing. */
export const QUERY_QUALITIES = QUERY_FAST | QUERY_BALANCED | QUERY_PRECISE | QUERY_EXACT;

export interface EngineCreateOptions {
  dimension: number;
  metric: number;
  dataType: number;
  m: number;
  efConstruction: number;
  profile: number;
  durability: number;
  /** Absent where vectors are kept as they are. */
  compression?: EngineCompression;
  /** Absent where all rows are kept alike. */
  tiering?: EngineTiering;
  embeddingModel?: string;
  /** JSON text of `[{field, type, fieldId?}]`. */
  schema?: string;
}

/** How vectors are packed. */
export interface EngineCompression {
  /** 1 scalar, 2 product, 3 binary. */
  kind: number;
  bits: number;
  /** 0 for what suits the dimension. */
  subvectors: number;
  trainingRows: number;
}

/** What compactions make of rows that are seldom asked for. */
export interface EngineTiering {
  /** Share of the rows that are kept as they were at most. */
  hotShare: number;
  /** How all rows are packed. */
  cold: EngineCompression;
}

export interface EngineOpenOptions {
  readOnly: boolean;
  busyTimeoutMs: number;
  mapping: boolean;
  durability: number;
  embeddingModel?: string;
}

/** What does not change while a store is open. */
export interface EngineInfo {
  dimension: number;
  metric: number;
  dataType: number;
  readOnly: boolean;
  fileId: string;
  parentId: string;
  lineageDepth: number;
  m: number;
  efConstruction: number;
  profile: number;
  embeddingModel?: string;
  /** As in `EngineCreateOptions`. */
  schema?: string;
}

export interface EngineIngest {
  accepted: number;
  epoch: number;
  /** Indexes, in the batch, of the entries that `ON_DUPLICATE.skip` passed over. */
  skipped: number[];
}

/** What each of several ingests did, in the order they came. */
export interface EngineIngestGroup {
  epochs: number[];
  /** An empty string for each ingest that succeeded; absent where all of them did. */
  errors?: string[];
}

export interface EngineDelete {
  deleted: number;
  epoch: number;
}

export interface EngineReplace extends EngineIngest {
  /** Entries that fitted the filter. */
  deleted: number;
}

export interface EngineUpdate {
  /** Entries whose metadata is another now. */
  updated: number;
  epoch: number;
}

export interface EngineHits {
  ids: string[];
  distances: number[];
  /** With `QUERY_METADATA`: a JSON array of one value per hit, `null` where it has none; absent where no hit has any. */
  metadata?: string;
  /** Beside `metadata`: ascending indexes of the hits that have none; absent where every hit has some. */
  withoutMetadata?: number[];
  /** With `QUERY_VECTORS`: the rows' bytes, one behind the other. */
  vectors?: Uint8Array;
  /** Beside `vectors`: ascending indexes of those that are not as they were given; absent where all are. */
  lossy?: number[];
  /** With `QUERY_EXPLAIN`: JSON text of an `RvfQueryPlan`. */
  plan?: string;
}

/** Hits of several queries, one query behind the other; `counts[i]` of them belong to query `i`. */
export interface EngineBatchHits extends EngineHits {
  counts: Uint32Array;
}

export interface EngineRows {
  ids: string[];
  /** For `get`: which of the asked-for ids each row answers. */
  indexes: number[];
  /** JSON array of one value per row, `null` where it has none; absent where no row has any. */
  metadata?: string;
  /** Beside `metadata`: ascending indexes of the rows that have none; absent where every row has some. */
  withoutMetadata?: number[];
  vectors?: Uint8Array;
  /** Beside `vectors`: ascending indexes of those that are not as they were given; absent where all are. */
  lossy?: number[];
  /** For a scan: where to go on, -1 at the end. */
  next: number;
}

/** Rows of a filter, ascending by row. */
export interface EnginePage extends EngineRows {
  /** Numbering of the rows that `next` is one of; a compaction starts another. */
  generation: number;
}

/** Rows by the epoch of their last change, those of one epoch by row. `next` is not used. */
export interface EngineChanges extends EngineRows {
  /** Epoch of each row's last change. */
  epochs: number[];
  /** On the last page only: ids that were stored at `sinceEpoch` and are not now. */
  deleted: string[];
  /** The state that the pages together are the way to: that of the first page. */
  epoch: number;
  /** What the next page is asked with, empty on the last one: that epoch, epoch and row of the last entry, generation. */
  position: number[];
}

export interface EngineStatus {
  totalVectors: number;
  totalSegments: number;
  fileSizeBytes: number;
  epoch: number;
  profile: number;
  compactionRunning: boolean;
  deadSpaceRatio: number;
  readOnly: boolean;
  poisoned: boolean;
  mapped: boolean;
  /** Rows given out so far, dead ones included. */
  totalRows: number;
  /** Rows that the graph does not have: each query compares them all. */
  unindexedRows: number;
  /** Layers that the graph is stored in, 0 where there is none. */
  indexLayers: number;
  /** Bytes of codes, graph and progressive layer in the file. */
  indexBytes: number;
  /** Whether so many of the graph's rows are dead, or it is so damaged, that it is to be built anew. */
  needsRebuild: boolean;
  /** What compression keeps and costs; absent where vectors are kept as they are. */
  compression?: EngineCompressionStatus;
  /** What tiering has made of the rows; absent where all are kept alike. */
  tiering?: EngineTieringStatus;
  tailBytes: number;
  retainedBytes: number;
  witnessEntries: number;
  /** Bytes behind the committed end that opening discarded as the rest of an interrupted write. */
  recoveredTornBytes: number;
  /** Commits that opening replayed because the store had not been closed. */
  recoveredCommits: number;
}

export interface EngineCompressionStatus extends EngineCompression {
  packedRows: number;
  rowBytes: number;
  quantisers: number;
  /** Vectors that the newest quantiser was measured on, 0 before there is one. */
  sampleRows: number;
  recall: number;
  relativeError: number;
}

export interface EngineTieringStatus {
  hotShare: number;
  /** As `EngineCompression` has it. */
  coldKind: number;
  hotRows: number;
  coldRows: number;
  coldRowBytes: number;
  /** Vectors that the newest cold quantiser was measured on, 0 before there is one. */
  sampleRows: number;
  recall: number;
  relativeError: number;
}

export interface EngineSegment {
  id: number;
  offset: number;
  payloadLength: number;
  segType: string;
}

export interface EngineCompact {
  segmentsCompacted: number;
  bytesReclaimed: number;
  epoch: number;
}

export interface EngineVerify {
  segments: number;
  bytes: number;
  problems: { code: number; segmentId: number; offset: number; message: string }[];
}

/** Cancels a running call, and tells how far it is. */
export interface EngineControl {
  cancel(): void;
  /** `[done, total]` in the unit of the call: rows, or bytes. */
  progress(): [number, number];
}

/** A state of the store that stays as it is while others write. */
export interface EngineSnapshot {
  readonly count: number;
  rows(cursor: number, limit: number, includeVectors: boolean, filter: string): Promise<EngineRows>;
  /** May be called more than once. */
  release(): void;
}

export interface EngineStore {
  info(): EngineInfo;
  ingest(
    ids: Uint8Array,
    idOffsets: Uint32Array,
    vectors: Uint8Array,
    metadata: Uint8Array | null,
    metadataOffsets: Uint32Array | null,
    onDuplicate: number,
    control?: EngineControl,
  ): Promise<EngineIngest>;
  /**
   * Several ingests with `counts[i]` entries each, one behind the other: every one replaces what has its ids and is a
   * commit of its own, all of them share an fsync.
   */
  ingestGroup(
    ids: Uint8Array,
    idOffsets: Uint32Array,
    vectors: Uint8Array,
    metadata: Uint8Array | null,
    metadataOffsets: Uint32Array | null,
    counts: Uint32Array,
  ): Promise<EngineIngestGroup>;
  ingestSync(
    ids: Uint8Array,
    idOffsets: Uint32Array,
    vectors: Uint8Array,
    metadata: Uint8Array | null,
    metadataOffsets: Uint32Array | null,
    onDuplicate: number,
    busyTimeoutMs: number,
  ): EngineIngest;
  delete(ids: Uint8Array, idOffsets: Uint32Array): Promise<EngineDelete>;
  deleteSync(ids: Uint8Array, idOffsets: Uint32Array, busyTimeoutMs: number): EngineDelete;
  /** `efSearch`, which wins over the quality in `flags`, `maxDistance` and `timeoutMs`: NaN, NaN and 0 where not given. */
  query(
    vector: Uint8Array,
    k: number,
    flags: number,
    efSearch: number,
    maxDistance: number,
    timeoutMs: number,
    filter: string,
    control?: EngineControl,
  ): Promise<EngineHits>;
  querySync(
    vector: Uint8Array,
    k: number,
    flags: number,
    efSearch: number,
    maxDistance: number,
    timeoutMs: number,
    filter: string,
  ): EngineHits;
  queryBatch(
    vectors: Uint8Array,
    k: number,
    flags: number,
    efSearch: number,
    maxDistance: number,
    timeoutMs: number,
    filter: string,
    control?: EngineControl,
  ): Promise<EngineBatchHits>;
  get(ids: Uint8Array, idOffsets: Uint32Array, includeVectors: boolean): Promise<EngineRows>;
  has(ids: Uint8Array, idOffsets: Uint32Array): boolean[];
  count(): number;
  countWhere(filter: string, timeoutMs: number, control?: EngineControl): Promise<number>;
  /**
   * At most `limit` rows from `cursor` on, 0 or the `next` of a page whose `generation` it was; -1 for any. Fails with
   * `[0307]` for another one.
   */
  listWhere(
    filter: string,
    cursor: number,
    generation: number,
    limit: number,
    includeVectors: boolean,
    timeoutMs: number,
    control?: EngineControl,
  ): Promise<EnginePage>;
  deleteWhere(filter: string, control?: EngineControl): Promise<EngineDelete>;
  /**
   * Applies a JSON merge patch (RFC 7386), an object, to the metadata of the ids, or of what fits the filter where there
   * are none.
   */
  updateMetadata(
    ids: Uint8Array | null,
    idOffsets: Uint32Array | null,
    filter: string,
    patch: string,
    control?: EngineControl,
  ): Promise<EngineUpdate>;
  /** Deletes what fits the filter and stores the entries, as one commit. */
  replaceWhere(
    filter: string,
    ids: Uint8Array,
    idOffsets: Uint32Array,
    vectors: Uint8Array,
    metadata: Uint8Array | null,
    metadataOffsets: Uint32Array | null,
    onDuplicate: number,
    control?: EngineControl,
  ): Promise<EngineReplace>;
  /**
   * What was stored or changed after `sinceEpoch`, from a page's `position` on, empty for the first. Fails with `[0706]` for
   * epochs in front of the last compaction, and with `[0307]` for a position from before it.
   */
  changes(
    sinceEpoch: number,
    position: number[],
    limit: number,
    includeVectors: boolean,
  ): Promise<EngineChanges>;
  /** JSON text of an `RvfFilterPlan`. */
  explain(filter: string): Promise<string>;
  snapshot(): EngineSnapshot;
  status(): EngineStatus;
  segments(): EngineSegment[];
  /**
   * Resolves once every row committed before is in the graph. Fails with `[0305]` on a reader. What is done when it is
   * cancelled stays.
   */
  waitForIndex(control?: EngineControl): Promise<void>;
  compact(control?: EngineControl): Promise<EngineCompact>;
  backup(path: string, control?: EngineControl): Promise<void>;
  verify(control?: EngineControl): Promise<EngineVerify>;
  exportBytes(): Promise<Uint8Array>;
  /** Makes everything acknowledged durable and answers the epoch. */
  freeze(): number;
  /** Rolls a reader forward; true where there was something new. */
  refresh(): Promise<boolean>;
  /** The SDK calls it once, after every other call has settled and every snapshot is released. */
  close(): Promise<void>;
}

export interface Engine {
  readonly kind: 'node' | 'wasm';
  version(): string;
  createControl(): EngineControl;
  create(path: string, options: EngineCreateOptions): Promise<EngineStore>;
  open(path: string, options: EngineOpenOptions): Promise<EngineStore>;
  openBytes(bytes: Uint8Array, options: EngineOpenOptions): Promise<EngineStore>;
}

/** What a package with an engine exports; its loader adds `kind`. */
export type EngineModule = Omit<Engine, 'kind'>;
