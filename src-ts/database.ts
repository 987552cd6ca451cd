/// <reference lib="esnext.disposable" preserve="true" />
import { type RvfBackend, resolveBackend } from './backend.js';
import { EngineBackend } from './engine-backend.js';
import { RvfError, RvfErrorCode } from './errors.js';
import type { RvfFilterExpr } from './filter.js';
import { type DatabaseBackend, ForeignBackend } from './foreign.js';
import { checkBackendType, checkObject, OPEN_KEYS } from './options.js';
import { storeClosed } from './session.js';
import type * as types from './types.js';
import { describe, invalid, refuse } from './validate.js';

/** Only this module has it, so that nobody else constructs an `RvfDatabase`. */
const CONSTRUCTION = Symbol('RvfDatabase');

/**
 * A vector store in one file.
 *
 * Methods that answer a promise reject, and never throw; the synchronous ones throw. The reason is an {@link RvfError}
 * whose `code` says what is wrong and whose message names the argument, the limit and what to do. After `close()` every
 * call fails with `StoreClosed`.
 *
 * @typeParam M - Shape of the entries' metadata. It is taken on trust: nothing checks what the file holds.
 */
export class RvfDatabase<M extends types.RvfMetadata = types.RvfMetadata> {
  readonly #backend: DatabaseBackend;
  #closing: Promise<void> | undefined;

  private constructor(key: symbol, backend: DatabaseBackend) {
    if (key !== CONSTRUCTION) {
      const detail =
        'RvfDatabase is not constructible; use RvfDatabase.create(path, options) or RvfDatabase.open(path)';
      throw new RvfError(RvfErrorCode.InvalidOptions, detail);
    }
    this.#backend = backend;
  }

  /**
   * Creates a store.
   *
   * @param path - The file, which must not exist, or `':memory:'` for a store of its own that never touches the disk.
   * @throws RvfError `AlreadyExists`, `InvalidOptions`, `BackendNotFound`, `IoError`, `DiskFull`.
   */
  static async create<M extends types.RvfMetadata = types.RvfMetadata>(
    path: string,
    options: types.RvfOptions,
    backend?: types.BackendType,
  ): Promise<RvfDatabase<M>> {
    const made = resolveBackend(checkBackendType('backend', backend));
    await made.create(path, options);
    return RvfDatabase.fromBackend(made) as RvfDatabase<M>;
  }

  /**
   * Opens a store for reading and writing. One process may have it open so.
   *
   * @throws RvfError `LockHeld` where another has; a format error where the file is damaged or no store; `IoError`.
   */
  static async open<M extends types.RvfMetadata = types.RvfMetadata>(
    path: string,
    backendOrOptions?: types.BackendType | types.RvfOpenOptions,
  ): Promise<RvfDatabase<M>> {
    const { backend, options } = splitOpenOptions(backendOrOptions);
    const made = resolveBackend(backend);
    await made.open(path, options);
    return RvfDatabase.fromBackend(made) as RvfDatabase<M>;
  }

  /** Opens a store for reading. Any number of processes may, beside one that writes; see {@link RvfDatabase.refresh}. */
  static async openReadonly<M extends types.RvfMetadata = types.RvfMetadata>(
    path: string,
    backendOrOptions?: types.BackendType | types.RvfOpenOptions,
  ): Promise<RvfDatabase<M>> {
    const { backend, options } = splitOpenOptions(backendOrOptions);
    const made = resolveBackend(backend);
    await made.openReadonly(path, options);
    return RvfDatabase.fromBackend(made) as RvfDatabase<M>;
  }

  /** Opens a copy of a whole store in memory, as {@link RvfDatabase.exportBytes} answers it. */
  static async openBytes<M extends types.RvfMetadata = types.RvfMetadata>(
    bytes: Uint8Array,
    options?: types.RvfOpenBytesOptions,
  ): Promise<RvfDatabase<M>> {
    const made = resolveBackend(checkBackendType('options.backend', options?.backend)) as EngineBackend;
    await made.openBytes(bytes, options);
    return RvfDatabase.fromBackend(made) as RvfDatabase<M>;
  }

  /** A database over a backend with an open store. What the backend lacks fails with `NotSupportedHere`. */
  static fromBackend(backend: RvfBackend): RvfDatabase {
    if (typeof backend?.ingestBatch !== 'function' || typeof backend.query !== 'function') {
      refuse('backend', invalid(`must implement RvfBackend; it is ${describe(backend)}`));
    }
    const whole = backend instanceof EngineBackend ? backend : new ForeignBackend(backend);
    return new RvfDatabase(CONSTRUCTION, whole);
  }

  /**
   * Stores entries as one commit: after a crash all of them are there or none. Entries of an id that is stored replace it.
   *
   * @throws RvfError `InvalidInput` or `DimensionMismatch` naming the entry; `ReadOnly`, `DiskFull`, `Poisoned`. Nothing
   * of the batch is stored then.
   */
  async ingestBatch(
    entries: types.RvfIngestEntry<M>[],
    options?: types.RvfIngestOptions,
  ): Promise<types.RvfIngestResult> {
    return this.#open().ingestBatch(entries, options);
  }

  /** {@link RvfDatabase.ingestBatch} on this thread. Behind queued writes it waits up to `busyTimeoutMs`, then fails with `Busy`. */
  ingestBatchSync(
    entries: types.RvfIngestEntry<M>[],
    options?: types.RvfIngestSyncOptions,
  ): types.RvfIngestResult {
    return this.#open().ingestBatchSync(entries, options);
  }

  /** Stores one entry. Many of them at once share their fsyncs. */
  async insert(id: string, vector: types.RvfVectorInput, metadata?: M): Promise<types.RvfIngestResult> {
    return this.#open().ingestBatch([{ id, vector, metadata }]);
  }

  /** Another name for {@link RvfDatabase.ingestBatch}. */
  async insertBatch(
    entries: types.RvfIngestEntry<M>[],
    options?: types.RvfIngestOptions,
  ): Promise<types.RvfIngestResult> {
    return this.#open().ingestBatch(entries, options);
  }

  /**
   * The nearest entries, the nearest first; those of equal distance as they were stored.
   *
   * @param k - How many, 1 to 100,000; fewer are answered where there are fewer.
   * @throws RvfError `DimensionMismatch`, `InvalidInput`, `KTooLarge`, `Timeout`; the signal's reason where it aborted.
   */
  async query(
    vector: types.RvfVectorInput,
    k: number,
    options?: types.RvfQueryOptions<M>,
  ): Promise<types.RvfScoredResult<M>[]> {
    return (await this.#open().query(
      vector as Float32Array,
      k,
      options as types.RvfQueryOptions,
    )) as Scored<M>;
  }

  /** {@link RvfDatabase.query} on this thread. */
  querySync(
    vector: types.RvfVectorInput,
    k: number,
    options?: types.RvfQuerySyncOptions<M>,
  ): types.RvfScoredResult<M>[] {
    return this.#open().querySync(vector, k, options as types.RvfQuerySyncOptions) as Scored<M>;
  }

  /**
   * {@link RvfDatabase.query} for many vectors at once.
   *
   * @param vectors - One behind the other in a `Float32Array` (packed bits in a `Uint8Array` for hamming), or an array of
   * vectors; at most 100,000.
   * @returns The results of each vector, in their order.
   */
  async queryBatch(
    vectors: types.RvfVectorInput | types.RvfVectorInput[],
    k: number,
    options?: types.RvfQueryOptions<M>,
  ): Promise<types.RvfScoredResult<M>[][]> {
    return (await this.#open().queryBatch(vectors, k, options as types.RvfQueryOptions)) as Scored<M>[];
  }

  /** Deletes entries as one commit. Ids that are not stored are passed over. */
  async delete(ids: string[]): Promise<types.RvfDeleteResult> {
    return this.#open().delete(ids);
  }

  /** {@link RvfDatabase.delete} on this thread. Behind queued writes it waits up to `busyTimeoutMs`, then fails with `Busy`. */
  deleteSync(ids: string[]): types.RvfDeleteResult {
    return this.#open().deleteSync(ids);
  }

  /** Not supported in this version: rejects with `NotSupportedHere`. */
  async deleteByFilter(filter: RvfFilterExpr<M>): Promise<types.RvfDeleteResult> {
    return this.#open().deleteByFilter(filter as RvfFilterExpr);
  }

  /** The entries of some ids, in the order of the ids; ids that are not stored are passed over. */
  async get(ids: string[], options?: types.RvfGetOptions): Promise<types.RvfRow<M>[]> {
    return (await this.#open().get(ids, options)) as types.RvfRow<M>[];
  }

  /** Whether an id is stored. */
  async has(id: string): Promise<boolean> {
    return this.#open().has(id);
  }

  /** How many entries are stored. A filter is not supported in this version. */
  async count(filter?: RvfFilterExpr<M>): Promise<number> {
    return this.#open().count(filter as RvfFilterExpr | undefined);
  }

  /**
   * All entries of this moment, whatever is written meanwhile. What it holds is given back at the end of the loop, by
   * `break` too, and at the latest by `close()`, after which it fails with `StoreClosed`.
   *
   * @throws RvfError `StoreClosed` and `InvalidOptions` at once, as this is no promise.
   */
  iterate(options?: types.RvfIterateOptions): AsyncIterableIterator<types.RvfRow<M>> {
    return this.#open().iterate(options) as AsyncIterableIterator<types.RvfRow<M>>;
  }

  /** Writes the store anew without what is dead in it. Reading and writing go on meanwhile. */
  async compact(options?: types.RvfProgressOptions): Promise<types.RvfCompactionResult> {
    return this.#open().compact(options);
  }

  /** Copies the store as it is at this moment to a new file. Reading and writing go on meanwhile. */
  async backup(path: string, options?: types.RvfProgressOptions): Promise<void> {
    return this.#open().backup(path, options);
  }

  /** Reads every byte of the file and compares it with its hash. Damage is in the answer, and no error. */
  async verify(options?: types.RvfProgressOptions): Promise<types.RvfVerifyResult> {
    return this.#open().verify(options);
  }

  /** The whole store as the bytes of its file; {@link RvfDatabase.openBytes} and every other open reads them. */
  async exportBytes(): Promise<Uint8Array> {
    return this.#open().exportBytes();
  }

  /** Figures of the store. */
  async status(): Promise<types.RvfStatus> {
    return this.#open().status();
  }

  /** The segments of the file, in their order. */
  async segments(): Promise<types.RvfSegmentInfo[]> {
    return this.#open().segments();
  }

  /** Elements of each vector; bits for hamming. */
  async dimension(): Promise<number> {
    return this.#open().dimension();
  }

  /** The metric that the store was created with. */
  metric(): types.DistanceMetric {
    return this.#open().metric();
  }

  /** Figures of the graph. This version has none and searches exactly, so `indexedVectors` and `layers` are 0. */
  indexStats(): types.RvfIndexStats {
    return this.#open().indexStats();
  }

  /** The file's own random name, 32 hex digits. */
  async fileId(): Promise<string> {
    return this.#open().fileId();
  }

  /** The name of the file this one is a branch of, 32 hex digits; zeros where it is none. */
  async parentId(): Promise<string> {
    return this.#open().parentId();
  }

  /** How many branches lie between this file and its root; 0 for a root. */
  async lineageDepth(): Promise<number> {
    return this.#open().lineageDepth();
  }

  /** Makes a reader see what others have committed since; true where there was something new. */
  async refresh(): Promise<boolean> {
    return this.#open().refresh();
  }

  /** Makes everything acknowledged durable, whatever `durability` says, and answers the number of the last commit. */
  freeze(): number {
    return this.#open().freeze();
  }

  /** Not supported in this version: throws `NotSupportedHere`. */
  verifyWitness(): types.RvfWitnessResult {
    return this.#open().verifyWitness();
  }

  /** Not supported in this version: rejects with `NotSupportedHere`. */
  async derive(childPath: string, options?: types.RvfDeriveOptions): Promise<RvfDatabase<M>> {
    return RvfDatabase.fromBackend(await this.#open().derive(childPath, options)) as RvfDatabase<M>;
  }

  /** Not supported in this version: rejects with `NotSupportedHere`. */
  async embedKernel(
    arch: number,
    kernelType: number,
    flags: number,
    image: Uint8Array,
    apiPort: number,
    cmdline?: string,
  ): Promise<number> {
    return this.#open().embedKernel(arch, kernelType, flags, image, apiPort, cmdline);
  }

  /** Not supported in this version: rejects with `NotSupportedHere`. */
  async extractKernel(): Promise<types.RvfKernelData | null> {
    return this.#open().extractKernel();
  }

  /** Not supported in this version: rejects with `NotSupportedHere`. */
  async embedEbpf(
    programType: number,
    attachType: number,
    maxDimension: number,
    bytecode: Uint8Array,
    btf?: Uint8Array,
  ): Promise<number> {
    return this.#open().embedEbpf(programType, attachType, maxDimension, bytecode, btf);
  }

  /** Not supported in this version: rejects with `NotSupportedHere`. */
  async extractEbpf(): Promise<types.RvfEbpfData | null> {
    return this.#open().extractEbpf();
  }

  /**
   * Closes the store once the calls made before have settled, and gives its lock back. Calling it again answers the same
   * promise.
   */
  close(): Promise<void> {
    this.#closing ??= this.#backend.close();
    return this.#closing;
  }

  /** Whether `close()` was called. */
  get isClosed(): boolean {
    return this.#closing !== undefined;
  }

  /** `await using db = ...` closes the store. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #open(): DatabaseBackend {
    if (this.#closing !== undefined) {
      throw storeClosed();
    }
    return this.#backend;
  }
}

type Scored<M extends types.RvfMetadata> = types.RvfScoredResult<M>[];

/** The second argument of `open` is the type of a backend, or options with one. */
function splitOpenOptions(given: types.BackendType | types.RvfOpenOptions | undefined): {
  backend: types.BackendType;
  options: types.RvfOpenOptions;
} {
  if (given === undefined || typeof given === 'string') {
    return { backend: checkBackendType('backend', given), options: {} };
  }
  const options = checkObject<types.RvfOpenOptions>('options', given, OPEN_KEYS);
  return { backend: checkBackendType('options.backend', options.backend), options };
}
