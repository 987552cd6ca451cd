import type { RvfErrorCode } from './error-code.js';
import type { RvfFilterExpr } from './filter.js';
import type { RvfSchemaField } from './types-filter.js';

/**
 * How far apart two vectors are; the smaller the distance, the nearer.
 *
 * - `l2`: squared Euclidean distance; score `1 / (1 + distance)`.
 * - `cosine`: `1 - cos`, inputs need not be of unit length, a zero vector is at 1 from everything; score `1 - distance`.
 * - `dotproduct`: `-dot`; score `-distance`.
 * - `hamming`: differing bits; score `1 - distance / bits`.
 */
export type DistanceMetric = 'l2' | 'cosine' | 'dotproduct' | 'hamming';

/** How vectors are stored. Only `none` is supported in this version. */
export type CompressionProfile = 'none' | 'scalar' | 'product' | 'binary';

/** 0 generic, 1 core, 2 hot, 3 full. Kept in the file. */
export type HardwareProfile = 0 | 1 | 2 | 3;

/** Which engine serves a store: the native addon, WebAssembly, or the best there is. */
export type BackendType = 'node' | 'wasm' | 'auto';

/** When a write is acknowledged: after its fsync, or before one that follows at intervals, or that the system decides on. */
export type RvfDurability = 'commit' | 'interval' | 'none';

/** Any JSON value; interfaces and classes count as far as `JSON.stringify` writes them. */
export type RvfMetadata = string | number | boolean | null | object;

/** What the elements of vectors are stored as: floats of 32 or 16 bits, or signed bytes. */
export type RvfDtype = 'f32' | 'f16' | 'int8';

/** A `Float16Array`, spelled out as much as is needed, since older versions of TypeScript do not know it. */
export interface RvfFloat16Array {
  readonly [Symbol.toStringTag]: 'Float16Array';
  readonly buffer: ArrayBufferLike;
  readonly byteOffset: number;
  readonly length: number;
  readonly [index: number]: number;
}

/**
 * A vector to store or to look for. Every store takes numbers. Those of `'f16'` are rounded to the nearest half float, and
 * those of `'int8'` must be integers from -128 to 127.
 *
 * - `'f16'` takes half floats, too: a `Float16Array`, or their bits in a `Uint16Array`.
 * - `'int8'` takes an `Int8Array`, too.
 * - The metric hamming takes packed bits, too, lowest bit first, in a `Uint8Array`; of numbers those above 0 are ones.
 */
export type RvfVectorInput =
  | Float32Array
  | readonly number[]
  | Uint8Array
  | Uint16Array
  | Int8Array
  | RvfFloat16Array;

/**
 * A stored vector: numbers in a `Float32Array`, those of `'int8'` in an `Int8Array`, packed bits for hamming in a
 * `Uint8Array`.
 */
export type RvfVector = Float32Array | Int8Array | Uint8Array;

/**
 * How vectors are kept. Rows are packed in the background, once there are enough of them; until then they are as they were
 * given. A name alone, like `'scalar'`, means the defaults. Not for hamming.
 *
 * - `'none'`: as they were given.
 * - `'scalar'`: each element as an integer of `bits` (default 8, or 4) with a scale for each vector: a quarter, or an eighth.
 * - `'product'`: the nearest of 256 centroids for each of `subvectors` parts of a vector (default: parts of three), learned
 *   from at most `trainingRows` vectors of the store (256 to 262,144, default 16,384).
 * - `'binary'`: a bit an element, off the mean of at most `trainingRows` vectors.
 */
export type RvfCompressionOptions =
  | { type: 'none' }
  | { type: 'scalar'; bits?: 4 | 8 | undefined }
  | {
      type: 'product';
      subvectors?: number | undefined;
      trainingRows?: number | undefined;
    }
  | { type: 'binary'; trainingRows?: number | undefined };

/** How tiering packs rows that are seldom asked for. */
export type RvfColdPacking = 'scalar4' | 'product' | 'binary';

/**
 * What compactions make of rows by how often they are asked for: all are packed as `cold` says, and those that were asked for
 * most often are kept as they were besides, next to each other. What a row loses by it does not come back.
 */
export interface RvfTieringOptions {
  /** Share of the entries that are kept as they were at most, 0.01 to 0.5 in steps of 0.001. Default 0.1. */
  hotShare?: number | undefined;
  /** Default `'product'`. `'binary'` is smaller and finds less, `'scalar4'` finds more. */
  cold?: RvfColdPacking | undefined;
}

/**
 * Options of `RvfDatabase.create`.
 *
 * @typeParam M - Shape of the metadata: it gives the names of fields.
 */
export interface RvfOptions<M = unknown> {
  /** Elements of each vector; bits for hamming. 1 to 65,536. */
  dimensions: number;
  /** Another name for `dimensions`. Giving both with different values is an error. */
  dimension?: number | undefined;
  /** Default `'l2'`. */
  metric?: DistanceMetric | undefined;
  /**
   * What the elements are stored as; kept in the file. Default `'f32'`. `'f16'` takes half the bytes, `'int8'` a quarter.
   * Hamming takes none: it stores bits.
   */
  dtype?: RvfDtype | undefined;
  /**
   * What the index is made for; kept in the file. Default 0: any machine. 1: small machines and files. 2: the most of the
   * nearest. 3: the most queries a second. `docs/profiles.md` has what each changes.
   */
  profile?: HardwareProfile | undefined;
  /** Default `'none'`. With another, only packed vectors are kept; see {@link RvfCompressionOptions}. */
  compression?: CompressionProfile | RvfCompressionOptions | undefined;
  /** Only with `compression: 'scalar'` of 8 bits. Off where it is left out. Kept in the file. */
  tiering?: RvfTieringOptions | undefined;
  /** Default `false`, the only choice of this version. */
  signing?: boolean | undefined;
  /** Links of the graph, 2 to 256: a row has at most twice as many, and at most 254. Default 16. Kept in the file. */
  m?: number | undefined;
  /** Beam width of the graph's build, 1 to 10,000. Default 200. Kept in the file. */
  efConstruction?: number | undefined;
  /** Name of the model that makes the vectors, 1 to 256 UTF-8 bytes. Kept in the file. */
  embeddingModel?: string | undefined;
  /** Fields whose type is checked when entries are stored, at most 1,024; each may get a number. Kept in the file. */
  schema?: RvfSchemaField<M>[] | undefined;
  /** Default `'commit'`: what is acknowledged survives a power cut. */
  durability?: RvfDurability | undefined;
  /** Milliseconds that synchronous writes wait behind queued ones before they fail with `Busy`. Default 5,000. */
  busyTimeoutMs?: number | undefined;
}

/** Options of `RvfDatabase.open` and `openReadonly`. */
export interface RvfOpenOptions {
  /** Default `'auto'`. */
  backend?: BackendType | undefined;
  /**
   * Milliseconds to wait for another process to give up the store (default 0: fail with `LockHeld` at once), and that
   * synchronous writes wait behind queued ones (default 5,000).
   */
  busyTimeoutMs?: number | undefined;
  /** The model that the store must have been made for; another one is an error. */
  embeddingModel?: string | undefined;
  /** Default `'commit'`. */
  durability?: RvfDurability | undefined;
  /** Whether the file may be mapped into memory. Default `true`. */
  mapping?: boolean | undefined;
}

/** Options of `RvfDatabase.openBytes`. */
export interface RvfOpenBytesOptions {
  /** Default `false`: changes stay in memory, `exportBytes()` has them. */
  readOnly?: boolean | undefined;
  /** Default `'auto'`. */
  backend?: BackendType | undefined;
}

/** What the SDK needs of an `AbortSignal`, so that programs without the types of Node.js or of browsers compile. */
export interface RvfAbortSignal {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** What can stop a call before its end. */
export interface RvfCallOptions {
  /**
   * Cancels the call, which then rejects with the signal's `reason`. A signal that comes too late changes nothing: the
   * call has its effect and resolves.
   */
  signal?: RvfAbortSignal | undefined;
  /** Milliseconds after which the call is cancelled and rejects with `Timeout`. 0, the default, is never. */
  timeoutMs?: number | undefined;
}

/** What long calls take. */
export interface RvfProgressOptions extends RvfCallOptions {
  /**
   * Told now and then, and once at the end, how far the call is: rows while ingesting or indexing, bytes otherwise. What it
   * throws cancels the call and becomes its rejection; what was committed by then stays.
   */
  onProgress?: ((done: number, total: number) => void) | undefined;
}

/** One entry to store. */
export interface RvfIngestEntry<M extends RvfMetadata = RvfMetadata> {
  /** 1 to 1,024 UTF-8 bytes, any string without lone surrogates. */
  id: string;
  /** As many finite numbers as the store has dimensions, of the range of its `dtype`. */
  vector: RvfVectorInput;
  /** Kept and given back as `JSON.stringify` writes it: at most 64 KiB, 32 levels deep. */
  metadata?: M | undefined;
}

/** Options of synchronous ingest calls. */
export interface RvfIngestSyncOptions {
  /** `'throw'`, the default: an invalid entry fails the whole batch. `'reject'`: the valid ones are stored. */
  onInvalid?: 'throw' | 'reject' | undefined;
  /** What happens to an entry whose id is stored already. Default `'replace'`. Within a batch the last of an id wins. */
  onDuplicate?: 'replace' | 'error' | 'skip' | undefined;
}

/** Options of `ingestBatch`. */
export interface RvfIngestOptions extends RvfIngestSyncOptions, RvfProgressOptions {}

/** An entry that `onInvalid: 'reject'` left out. */
export interface RvfRejection {
  /** Place in the batch. */
  index: number;
  /** The entry's id; empty where it had none that is a string. */
  id: string;
  code: RvfErrorCode;
  message: string;
}

/** What became of a batch. */
export interface RvfIngestResult {
  /** Entries that were valid and stored; several of one id count each. */
  accepted: number;
  /** Entries left out by `onInvalid: 'reject'`. */
  rejected: number;
  /** Number of the commit. */
  epoch: number;
  /** Why entries were left out; absent where none was. */
  rejections?: RvfRejection[];
  /** Places of the entries that `onDuplicate: 'skip'` passed over; absent where none was. */
  skipped?: number[];
}

/** Options of synchronous queries. */
export interface RvfQuerySyncOptions<M extends RvfMetadata = RvfMetadata> {
  /**
   * How many of the entries met the search keeps in sight, 1 to 100,000: the more, the more is found, and the longer it takes.
   * Wins over `quality`. Fewer than `k` count as `k`.
   */
  efSearch?: number | undefined;
  /**
   * How much of the k nearest entries is found, on average: at least 0.70 with `'fast'`, 0.90 with `'balanced'`, 0.99 with
   * `'precise'`, and all with `'exact'`, which compares every vector. Default: a tier of its own, at least 0.95.
   */
  quality?: 'fast' | 'balanced' | 'precise' | 'exact' | undefined;
  /** Only entries that fit: the hits are the nearest of those. */
  filter?: RvfFilterExpr<M> | undefined;
  /** Only hits of at least this score. */
  minScore?: number | undefined;
  /** Only hits of at most this distance. */
  maxDistance?: number | undefined;
  /** Default `true`. */
  includeMetadata?: boolean | undefined;
  /** Default `false`. */
  includeVectors?: boolean | undefined;
  /** Milliseconds after which the query fails with `Timeout`. 0, the default, is never. */
  timeoutMs?: number | undefined;
  /** Gives the hits a property `plan`. Default `false`; `queryBatch` refuses it. */
  explain?: boolean | undefined;
}

/** Options of queries. */
export interface RvfQueryOptions<M extends RvfMetadata = RvfMetadata> extends RvfQuerySyncOptions<M> {
  /** Cancels the query, which then rejects with the signal's `reason`. */
  signal?: RvfAbortSignal | undefined;
}

/** A neighbour, as any {@link RvfBackend} answers it. */
export interface RvfSearchResult<M extends RvfMetadata = RvfMetadata> {
  id: string;
  /** Per metric, see {@link DistanceMetric}. Results ascend by it. */
  distance: number;
  /** Per metric, see {@link DistanceMetric}: the higher, the more alike. */
  score?: number;
  /** Absent where the entry has none, or where `includeMetadata` is off. */
  metadata?: M;
  /** With `includeVectors`. */
  vector?: RvfVector;
  /** Beside `vector`: true where it is not as it was given, but what compression has left of it. */
  lossy?: boolean;
}

/** A neighbour, as `RvfDatabase` answers it. */
export interface RvfScoredResult<M extends RvfMetadata = RvfMetadata> extends RvfSearchResult<M> {
  /** Per metric, see {@link DistanceMetric}. NaN over a foreign backend that names neither score nor metric. */
  score: number;
}

/** A stored entry. */
export interface RvfRow<M extends RvfMetadata = RvfMetadata> {
  id: string;
  /** Absent where the entry has none. */
  metadata?: M;
  /** With `includeVectors`. */
  vector?: RvfVector;
  /** Beside `vector`: true where it is not as it was given, but what compression has left of it. */
  lossy?: boolean;
}

/** Options of `get`. */
export interface RvfGetOptions {
  /** Default `false`. */
  includeVectors?: boolean | undefined;
}

/** Options of `iterate`. */
export interface RvfIterateOptions<M extends RvfMetadata = RvfMetadata> extends RvfGetOptions {
  /** Only entries that fit. Default: all. */
  filter?: RvfFilterExpr<M> | undefined;
  /** Rows fetched at once, 1 to 100,000. Default 1,000. */
  batchSize?: number | undefined;
}

/** What became of a delete. */
export interface RvfDeleteResult {
  /** Entries that were there and are not any more. */
  deleted: number;
  /** Number of the commit. */
  epoch: number;
}

/** What a compaction did. */
export interface RvfCompactionResult {
  segmentsCompacted: number;
  bytesReclaimed: number;
  /** Number of the commit. */
  epoch: number;
}

/** Whether a compaction is going on. */
export type CompactionState = 'idle' | 'running' | 'emergency';

/** What compression keeps and costs. */
export interface RvfCompressionStatus {
  type: Exclude<CompressionProfile, 'none'>;
  bits: number;
  /** With `'product'`. */
  subvectors?: number;
  /** Rows that are packed, those of deleted entries among them; the others are as they were given. */
  packedRows: number;
  /** Bytes of a packed row. */
  rowBytes: number;
  /** Quantisers that rows were packed by: more than one where later vectors are unlike the first. */
  quantisers: number;
  /** What the newest quantiser costs, measured against the vectors as they were given; absent before there is one. */
  measured?: {
    /** Vectors of the sample. */
    sampleRows: number;
    /** Recall@10 of packed vectors alone, among the sample. */
    recall: number;
    /** Mean squared distance of vectors from what is left of them, as a share of that from their mean. */
    relativeError: number;
  };
}

/** What tiering has made of the rows. */
export interface RvfTieringStatus {
  hotShare: number;
  cold: RvfColdPacking;
  /** Rows that are kept as they were beside the cold packing, those of deleted entries among them. */
  hotRows: number;
  /** Rows that have a cold packing, those of deleted entries among them; the others are for the next compaction. */
  coldRows: number;
  /** Bytes of a row of the cold packing. */
  coldRowBytes: number;
  /** What the cold packing costs, measured against the rows as they were; absent before the first. */
  measured?: {
    sampleRows: number;
    recall: number;
    relativeError: number;
  };
}

/** State of a store. What is optional is always there but over a foreign backend. */
export interface RvfStatus {
  /** Live entries. */
  totalVectors: number;
  totalSegments: number;
  fileSizeBytes: number;
  /** Number of the last commit. */
  epoch: number;
  profileId: number;
  compactionState: CompactionState;
  /** Share of the file that a compaction would give back, 0 to 1. */
  deadSpaceRatio: number;
  readOnly: boolean;
  /** What the elements of vectors are stored as. */
  dtype?: RvfDtype | 'binary';
  /** What opening had to repair: commits replayed, and bytes of an interrupted write discarded. */
  recovered?: { commits: number; tornBytes: number };
  /** Rows given out so far, dead ones included. */
  totalRows?: number;
  /** Rows that are not in the graph yet, those of deleted entries among them: each search compares them all. */
  unindexedRows?: number;
  /** Bytes in the file that are there for searching: the graph and codes of the vectors. */
  indexBytes?: number;
  /** What compression keeps and costs; absent where vectors are kept as they are. */
  compression?: RvfCompressionStatus;
  /** What tiering has made of the rows; absent without it. */
  tiering?: RvfTieringStatus;
  /** Bytes that the next open has to replay. */
  tailBytes?: number;
  /** Bytes kept for branches and readers though this store does not need them. */
  retainedBytes?: number;
  /** Entries of the witness chain. */
  witnessEntries?: number;
  /** Whether an earlier write failed and the store takes no more; reopen it. */
  poisoned?: boolean;
  /** Whether the file is mapped into memory. */
  mapped?: boolean;
}

/** Figures of the graph. */
export interface RvfIndexStats {
  /** Rows that searches find by the graph, those of deleted entries among them until a compaction. */
  indexedVectors: number;
  /** Parts that the graph is stored in, each of which a search looks into; 0 where there is none. */
  layers: number;
  /** As the store was created. */
  m: number;
  /** As the store was created. */
  efConstruction: number;
  /** Whether the graph holds so many deleted entries, or is so damaged, that it will be built anew. */
  needsRebuild: boolean;
}

/** What `verifyWitness` found. */
export interface RvfWitnessResult {
  valid: boolean;
  entries: number;
  error?: string;
}

/** One segment of the file. */
export interface RvfSegmentInfo {
  id: number;
  /** Bytes from the start of the file. */
  offset: number;
  /** In bytes. */
  payloadLength: number;
  segType: string;
}

/** Damage that `verify` found. */
export interface RvfProblem {
  code: RvfErrorCode;
  segmentId: number;
  /** Bytes from the start of the file. */
  offset: number;
  message: string;
}

/** What `verify` found. */
export interface RvfVerifyResult {
  /** Whether there are no problems. */
  valid: boolean;
  /** Segments read. */
  segments: number;
  /** Bytes read. */
  bytes: number;
  problems: RvfProblem[];
}

/** How a branch came from its parent. */
export type DerivationType = 'filter' | 'merge' | 'snapshot' | 'transform';

/** Options of `derive`. */
export type RvfDeriveOptions = Partial<RvfOptions> & { type?: DerivationType | undefined };

/** A kernel image and its header. */
export interface RvfKernelData {
  header: Uint8Array;
  image: Uint8Array;
}

/** An eBPF program and its header. */
export interface RvfEbpfData {
  header: Uint8Array;
  payload: Uint8Array;
}
