/// <reference lib="esnext.disposable" preserve="true" />
import { type RvfBackend, resolveBackend } from './backend.js';
import { EngineBackend } from './engine-backend.js';
import { RvfError, RvfErrorCode } from './errors.js';
import type { RvfFieldName, RvfFieldType, RvfFilterExpr } from './filter.js';
import { type DatabaseBackend, ForeignBackend } from './foreign.js';
import { checkBackendType, checkObject, OPEN_KEYS } from './options.js';
import { storeClosed } from './session.js';
import type * as types from './types.js';
import type * as filters from './types-filter.js';
import { describe, invalid, refuse } from './validate.js';
import { where } from './where.js';
import type { RvfClause, RvfSubject } from './where-types.js';

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
    options: types.RvfOptions<Given<M>>,
    backend?: types.BackendType,
  ): Promise<RvfDatabase<M>> {
    const made = resolveBackend(checkBackendType('backend', backend));
    await made.create(path, options as types.RvfOptions);
    return RvfDatabase.#over<M>(made);
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
    return RvfDatabase.#over<M>(made);
  }

  /** Opens a store for reading. Any number of processes may, beside one that writes; see {@link RvfDatabase.refresh}. */
  static async openReadonly<M extends types.RvfMetadata = types.RvfMetadata>(
    path: string,
    backendOrOptions?: types.BackendType | types.RvfOpenOptions,
  ): Promise<RvfDatabase<M>> {
    const { backend, options } = splitOpenOptions(backendOrOptions);
    const made = resolveBackend(backend);
    await made.openReadonly(path, options);
    return RvfDatabase.#over<M>(made);
  }

  /** Opens a copy of a whole store in memory, as {@link RvfDatabase.exportBytes} answers it. */
  static async openBytes<M extends types.RvfMetadata = types.RvfMetadata>(
    bytes: Uint8Array,
    options?: types.RvfOpenBytesOptions,
  ): Promise<RvfDatabase<M>> {
    const made = resolveBackend(checkBackendType('options.backend', options?.backend)) as EngineBackend;
    await made.openBytes(bytes, options);
    return RvfDatabase.#over<M>(made);
  }

  /** A database over a backend with an open store. What the backend lacks fails with `NotSupportedHere`. */
  static fromBackend(backend: RvfBackend): RvfDatabase {
    return RvfDatabase.#over(backend);
  }

  static #over<M extends types.RvfMetadata>(backend: RvfBackend): RvfDatabase<M> {
    if (typeof backend?.ingestBatch !== 'function' || typeof backend.query !== 'function') {
      refuse('backend', invalid(`must implement RvfBackend; it is ${describe(backend)}`));
    }
    const whole = backend instanceof EngineBackend ? backend : new ForeignBackend(backend);
    return new RvfDatabase<M>(CONSTRUCTION, whole);
  }

  /**
   * Stores entries as one commit: after a crash all of them are there or none. Entries of an id that is stored replace it.
   *
   * @throws RvfError `InvalidInput` or `DimensionMismatch` naming the entry; `ReadOnly`, `DiskFull`, `Poisoned`. Nothing
   * of the batch is stored then.
   */
  async ingestBatch(
    entries: readonly types.RvfIngestEntry<M>[],
    options?: types.RvfIngestOptions,
  ): Promise<types.RvfIngestResult> {
    return this.#open().ingestBatch(entries, options);
  }

  /** {@link RvfDatabase.ingestBatch} on this thread. Behind queued writes it waits up to `busyTimeoutMs`, then fails with `Busy`. */
  ingestBatchSync(
    entries: readonly types.RvfIngestEntry<M>[],
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
    entries: readonly types.RvfIngestEntry<M>[],
    options?: types.RvfIngestOptions,
  ): Promise<types.RvfIngestResult> {
    return this.#open().ingestBatch(entries, options);
  }

  /**
   * The nearest entries, the nearest first; those of equal distance as they were stored. How many of them a search finds is what
   * `quality` and `efSearch` say; distances are exact. An entry is found as soon as it is stored.
   *
   * @param k - How many, 1 to 100,000; fewer are answered where there are fewer.
   * @throws RvfError `DimensionMismatch`, `InvalidInput`, `KTooLarge`, `FilterParseError`, `Timeout`; the signal's reason
   * where it aborted.
   */
  async query(
    vector: types.RvfVectorInput,
    k: number,
    options?: types.RvfQueryOptions<M>,
  ): Promise<filters.RvfHits<M>> {
    return (await this.#open().query(
      vector as Float32Array,
      k,
      options as types.RvfQueryOptions,
    )) as filters.RvfHits<M>;
  }

  /** {@link RvfDatabase.query} on this thread. */
  querySync(
    vector: types.RvfVectorInput,
    k: number,
    options?: types.RvfQuerySyncOptions<M>,
  ): filters.RvfHits<M> {
    return this.#open().querySync(vector, k, options as types.RvfQuerySyncOptions) as filters.RvfHits<M>;
  }

  /**
   * {@link RvfDatabase.query} for many vectors at once.
   *
   * @param vectors - One behind the other in a `Float32Array`, or in an array as the store has them (an `Int8Array` for
   * `'int8'`, packed bits in a `Uint8Array` for hamming); or an array of vectors. At most 100,000.
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
  async delete(ids: readonly string[]): Promise<types.RvfDeleteResult> {
    return this.#open().delete(ids);
  }

  /** {@link RvfDatabase.delete} on this thread. Behind queued writes it waits up to `busyTimeoutMs`, then fails with `Busy`. */
  deleteSync(ids: readonly string[]): types.RvfDeleteResult {
    return this.#open().deleteSync(ids);
  }

  /**
   * Deletes the entries that fit, as one commit.
   *
   * `ne`, `nin` and `not` match entries without the field, too; to keep those, ask for it:
   * `db.where('status').isNot('active').and('status').exists()`. `allOf()` and `fromMongo({})` match, and delete, everything.
   *
   * @throws RvfError `FilterParseError`, `ReadOnly`, `DiskFull`, `Poisoned`; the signal's reason where it aborted. Nothing is
   * deleted then.
   */
  async deleteByFilter(
    filter: RvfFilterExpr<M>,
    options?: filters.RvfWriteOptions,
  ): Promise<types.RvfDeleteResult> {
    return this.#open().deleteByFilter(filter as RvfFilterExpr, options);
  }

  /**
   * Changes the metadata of entries, as one commit; their ids and vectors stay.
   *
   * @param target - Ids, of which those that are not stored are passed over; or a filter.
   * @param patch - A JSON merge patch (RFC 7386), at most 64 KiB: a key with a value is set, one with null is removed, objects
   * merge within, everything else, arrays too, replaces. Metadata that is no object, or absent, counts as `{}`.
   * @throws RvfError `InvalidInput` also where it would bring an entry above the limits of metadata; `FilterParseError`,
   * `ReadOnly`, `DiskFull`, `Poisoned`; the signal's reason where it aborted. Nothing is changed then.
   */
  async updateMetadata(
    target: readonly string[] | RvfFilterExpr<M>,
    patch: filters.RvfMetadataPatch<M>,
    options?: filters.RvfWriteOptions,
  ): Promise<filters.RvfUpdateResult> {
    return this.#open().updateMetadata(target as string[] | RvfFilterExpr, patch as object, options);
  }

  /**
   * Deletes the entries that fit and stores others, as one commit: readers, and a store opened after a crash, have all of it
   * or nothing. The filter looks at what is stored before; `onDuplicate` looks at what the filter leaves.
   *
   * @throws RvfError as {@link RvfDatabase.ingestBatch}, and `FilterParseError`. Nothing is deleted or stored then.
   */
  async replaceWhere(
    filter: RvfFilterExpr<M>,
    entries: readonly types.RvfIngestEntry<M>[],
    options?: types.RvfIngestOptions,
  ): Promise<filters.RvfReplaceResult> {
    return this.#open().replaceWhere(filter as RvfFilterExpr, entries, options);
  }

  /** The entries of some ids, in the order of the ids; ids that are not stored are passed over. */
  async get(ids: readonly string[], options?: types.RvfGetOptions): Promise<types.RvfRow<M>[]> {
    return (await this.#open().get(ids, options)) as types.RvfRow<M>[];
  }

  /** Whether an id is stored. */
  async has(id: string): Promise<boolean> {
    return this.#open().has(id);
  }

  /**
   * How many entries fit; without a filter, how many are stored.
   *
   * @throws RvfError `FilterParseError`, `Timeout`; the signal's reason where it aborted.
   */
  async count(filter?: RvfFilterExpr<M>, options?: types.RvfCallOptions): Promise<number> {
    return this.#open().count(filter as RvfFilterExpr | undefined, options);
  }

  /**
   * One page of the entries that fit, in the order in which they were stored.
   *
   * Pages are no snapshot: the next one has what is stored at its time behind the last row of this one. What was deleted
   * meanwhile is left out, what was stored or replaced comes at the end. {@link RvfDatabase.iterate} has a stable state.
   *
   * @throws RvfError `InvalidInput` for a cursor of another store or of another filter, or from before a compaction;
   * `FilterParseError`, `InvalidOptions`, `Timeout`; the signal's reason where it aborted.
   */
  async list(options?: filters.RvfListOptions<M>): Promise<filters.RvfPage<M>> {
    return (await this.#open().list(options as filters.RvfListOptions)) as filters.RvfPage<M>;
  }

  /**
   * The entries that fit, in the order in which they were stored, at most 100,000.
   *
   * @throws RvfError `InvalidInput` where more fit and no `limit` is given: use {@link RvfDatabase.list} then;
   * `FilterParseError`, `InvalidOptions`, `Timeout`; the signal's reason where it aborted.
   */
  async queryByFilter(
    filter: RvfFilterExpr<M>,
    options?: filters.RvfFilterQueryOptions,
  ): Promise<types.RvfRow<M>[]> {
    return (await this.#open().queryByFilter(filter as RvfFilterExpr, options)) as types.RvfRow<M>[];
  }

  /**
   * What became of entries since a commit: the state, not the history. An entry that changed five times comes once, one that
   * came and went does not come. While there is a `cursor`, ask on with it and the same `sinceEpoch`; once there is none,
   * `epoch` is the next `sinceEpoch`.
   *
   * @param sinceEpoch - The `epoch` of an earlier answer or commit; 0 is before everything.
   * @throws RvfError `GenerationStale` where a compaction has forgotten what was deleted since then: take the `epoch` of
   * `status()`, list everything again and go on from that epoch. `InvalidInput`, `InvalidOptions`.
   */
  async changes(sinceEpoch: number, options?: filters.RvfChangesOptions): Promise<filters.RvfChanges<M>> {
    return (await this.#open().changes(sinceEpoch, options)) as filters.RvfChanges<M>;
  }

  /**
   * How a filter is answered: how many entries fit, and what the indexes know of that.
   *
   * @throws RvfError `FilterParseError`.
   */
  async explain(filter: RvfFilterExpr<M>): Promise<filters.RvfFilterPlan>;
  /**
   * How a query is answered. It is run for that, and its hits are not read; `query` with `explain: true` answers both.
   *
   * @throws RvfError as {@link RvfDatabase.query}.
   */
  async explain(
    vector: types.RvfVectorInput,
    k: number,
    options?: types.RvfQueryOptions<M>,
  ): Promise<filters.RvfQueryPlan>;
  async explain(
    subject: RvfFilterExpr<M> | types.RvfVectorInput,
    k?: number,
    options?: types.RvfQueryOptions<M>,
  ): Promise<filters.RvfFilterPlan | filters.RvfQueryPlan> {
    const backend = this.#open();
    return k === undefined
      ? backend.explain(subject as RvfFilterExpr)
      : backend.explainQuery(subject as types.RvfVectorInput, k as number, options as types.RvfQueryOptions);
  }

  /**
   * Begins a filter with a field, as the function {@link where}, typed by the shape of this database.
   *
   * @example
   * ```ts
   * await db.count(db.where('section').is('games').and('size').below(1e6));
   * ```
   *
   * @typeParam Shape - Left to its default; were it `M` itself, an `RvfDatabase<M>` would not do as an `RvfDatabase`.
   */
  where<K extends RvfFieldName<Shape>, Shape = M>(
    field: K,
  ): RvfSubject<RvfFieldType<Shape, K>, RvfClause<Shape>> {
    this.#open();
    return where<Shape>()(field);
  }

  /** The fields that the store was created to declare; none where it declares none. */
  schema(): filters.RvfSchemaField[] {
    return this.#open().schema();
  }

  /**
   * All entries of this moment, or those that fit `filter`, whatever is written meanwhile. What it holds is given back at the
   * end of the loop, by `break` too, and at the latest by `close()`, after which it fails with `StoreClosed`.
   *
   * @throws RvfError `StoreClosed`, `InvalidOptions` and `FilterParseError` at once, as this is no promise.
   */
  iterate(options?: types.RvfIterateOptions<M>): AsyncIterableIterator<types.RvfRow<M>> {
    return this.#open().iterate(options as types.RvfIterateOptions) as AsyncIterableIterator<types.RvfRow<M>>;
  }

  /**
   * Resolves once every entry stored before is in the graph. Searches are right without it: what the graph does not have
   * yet is compared entry by entry. The graph grows by itself in the background; this brings it to its end with all
   * processors, as is of use before a measurement or before a file is handed on. What is done when the call is cancelled
   * stays done.
   *
   * @throws RvfError `ReadOnly` in a reader, `StoreClosed` where the store is closed meanwhile, `DiskFull`, `Poisoned`;
   * `Timeout`, or the signal's reason where it aborted.
   */
  async waitForIndex(options?: types.RvfProgressOptions): Promise<void> {
    return this.#open().waitForIndex(options);
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

  /** Figures of the graph. {@link RvfDatabase.status} says how many rows it does not have yet. */
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
    return RvfDatabase.#over<M>(await this.#open().derive(childPath, options));
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
   * Closes the store once the calls made before have settled, and gives its lock back. Before that it brings all but at most
   * 10,000 entries into the graph, which takes time after a large import: {@link RvfDatabase.waitForIndex} does so with
   * progress. A call of that which still waits is ended. Calling `close` again answers the same promise.
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

/** `M`, where it is given; nothing infers it from the fields of a schema, which are only some of its own. */
type Given<M> = [M][M extends unknown ? 0 : never];

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
