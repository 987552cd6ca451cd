import type { RvfBackend } from './backend.js';
import { changes } from './changes.js';
import { createOptions } from './create-options.js';
import type { Engine, EngineStore } from './engine.js';
import { notSupported, RvfError, RvfErrorCode } from './errors.js';
import type { RvfFilterExpr } from './filter.js';
import { ingestBatch, ingestBatchSync } from './ingest.js';
import { get, iterate } from './iterate.js';
import { loadNativeEngine } from './native.js';
import { checkObject, openBytesOptions, openOptions } from './options.js';
import { packStrings } from './pack.js';
import { count, explainFilter, list, queryByFilter } from './read-by-filter.js';
import { metricName } from './results.js';
import { schemaFields, schemaOption } from './schema.js';
import { explainQuery, query, queryBatch, querySync } from './search.js';
import { Session, storeClosed } from './session.js';
import { toIndexStats, toStatus, toVerifyResult } from './status.js';
import type * as types from './types.js';
import type * as filters from './types-filter.js';
import { checkIds, checkPath, describe, idProblem, invalid, refuse } from './validate.js';
import { deleteByFilter, replaceWhere, updateMetadata } from './write-by-filter.js';

const PROGRESS_KEYS = new Set(['signal', 'timeoutMs', 'onProgress']);
const LATER = 'it arrives with a later version';

/** A backend over an engine of ours. Everything is checked here, so that engines need not explain arguments. */
export abstract class EngineBackend implements RvfBackend {
  #session: Session | undefined;

  /** The engine, loaded at its first use. */
  protected abstract loadEngine(): Promise<Engine>;

  async create(path: string, options: types.RvfOptions): Promise<void> {
    checkPath('path', path);
    const { engine, busyTimeoutMs } = createOptions(options);
    const schema = schemaOption(options.schema);
    await this.#start(busyTimeoutMs, (loaded) => loaded.create(path, { ...engine, ...schema }));
  }

  async open(path: string, options?: types.RvfOpenOptions): Promise<void> {
    checkPath('path', path);
    const { engine, busyTimeoutMs } = openOptions(options, false);
    await this.#start(busyTimeoutMs, (loaded) => loaded.open(path, engine));
  }

  async openReadonly(path: string, options?: types.RvfOpenOptions): Promise<void> {
    checkPath('path', path);
    const { engine, busyTimeoutMs } = openOptions(options, true);
    await this.#start(busyTimeoutMs, (loaded) => loaded.open(path, engine));
  }

  async openBytes(bytes: Uint8Array, options?: types.RvfOpenBytesOptions): Promise<void> {
    if (!(bytes instanceof Uint8Array)) {
      refuse('bytes', invalid(`must be a Uint8Array, not ${describe(bytes)}`));
    }
    const { engine, busyTimeoutMs } = openBytesOptions(options);
    await this.#start(busyTimeoutMs, (loaded) => loaded.openBytes(bytes, engine));
  }

  async ingestBatch(
    entries: readonly types.RvfIngestEntry[],
    options?: types.RvfIngestOptions,
  ): Promise<types.RvfIngestResult> {
    return ingestBatch(this.#open(), entries, options);
  }

  ingestBatchSync(
    entries: readonly types.RvfIngestEntry[],
    options?: types.RvfIngestSyncOptions,
  ): types.RvfIngestResult {
    return ingestBatchSync(this.#open(), entries, options);
  }

  async query(
    vector: types.RvfVectorInput,
    k: number,
    options?: types.RvfQueryOptions,
  ): Promise<filters.RvfHits> {
    return query(this.#open(), vector, k, options);
  }

  querySync(vector: types.RvfVectorInput, k: number, options?: types.RvfQuerySyncOptions): filters.RvfHits {
    return querySync(this.#open(), vector, k, options);
  }

  async queryBatch(
    vectors: types.RvfVectorInput | types.RvfVectorInput[],
    k: number,
    options?: types.RvfQueryOptions,
  ): Promise<types.RvfScoredResult[][]> {
    return queryBatch(this.#open(), vectors, k, options);
  }

  async delete(ids: readonly string[]): Promise<types.RvfDeleteResult> {
    const session = this.#open();
    session.ensureWritable();
    checkIds(ids);
    const { bytes, offsets } = packStrings('ids', ids);
    return session.run(() => session.store.delete(bytes, offsets));
  }

  deleteSync(ids: readonly string[]): types.RvfDeleteResult {
    const session = this.#open();
    session.ensureWritable();
    checkIds(ids);
    const { bytes, offsets } = packStrings('ids', ids);
    return session.runSync(() => session.store.deleteSync(bytes, offsets, session.busyTimeoutMs));
  }

  async deleteByFilter(
    filter: RvfFilterExpr,
    options?: filters.RvfWriteOptions,
  ): Promise<types.RvfDeleteResult> {
    return deleteByFilter(this.#open(), filter, options);
  }

  async updateMetadata(
    target: readonly string[] | RvfFilterExpr,
    patch: object,
    options?: filters.RvfWriteOptions,
  ): Promise<filters.RvfUpdateResult> {
    return updateMetadata(this.#open(), target, patch, options);
  }

  async replaceWhere(
    filter: RvfFilterExpr,
    entries: readonly types.RvfIngestEntry[],
    options?: types.RvfIngestOptions,
  ): Promise<filters.RvfReplaceResult> {
    return replaceWhere(this.#open(), filter, entries, options);
  }

  async get(ids: readonly string[], options?: types.RvfGetOptions): Promise<types.RvfRow[]> {
    return get(this.#open(), ids, options);
  }

  async has(id: string): Promise<boolean> {
    const session = this.#open();
    const problem = idProblem(id);
    if (problem !== undefined) {
      refuse('id', problem);
    }
    const { bytes, offsets } = packStrings('id', [id]);
    return session.runSync(() => session.store.has(bytes, offsets))[0] === true;
  }

  async count(filter?: RvfFilterExpr, options?: types.RvfCallOptions): Promise<number> {
    return count(this.#open(), filter, options);
  }

  async list(options?: filters.RvfListOptions): Promise<filters.RvfPage> {
    return list(this.#open(), options);
  }

  async queryByFilter(
    filter: RvfFilterExpr,
    options?: filters.RvfFilterQueryOptions,
  ): Promise<types.RvfRow[]> {
    return queryByFilter(this.#open(), filter, options);
  }

  async changes(sinceEpoch: number, options?: filters.RvfChangesOptions): Promise<filters.RvfChanges> {
    return changes(this.#open(), sinceEpoch, options);
  }

  async explain(filter: RvfFilterExpr): Promise<filters.RvfFilterPlan> {
    return explainFilter(this.#open(), filter);
  }

  async explainQuery(
    vector: types.RvfVectorInput,
    k: number,
    options?: types.RvfQueryOptions,
  ): Promise<filters.RvfQueryPlan> {
    return explainQuery(this.#open(), vector, k, options);
  }

  iterate(options?: types.RvfIterateOptions): AsyncIterableIterator<types.RvfRow> {
    return iterate(this.#open(), options);
  }

  async waitForIndex(options?: types.RvfProgressOptions): Promise<void> {
    const session = this.#open();
    session.ensureWritable();
    return session.runUntilClose((control) => session.store.waitForIndex(control), progressOptions(options));
  }

  async compact(options?: types.RvfProgressOptions): Promise<types.RvfCompactionResult> {
    const session = this.#open();
    session.ensureWritable();
    return session.run((control) => session.store.compact(control), progressOptions(options));
  }

  async backup(path: string, options?: types.RvfProgressOptions): Promise<void> {
    const session = this.#open();
    checkPath('path', path);
    return session.run((control) => session.store.backup(path, control), progressOptions(options));
  }

  async verify(options?: types.RvfProgressOptions): Promise<types.RvfVerifyResult> {
    const session = this.#open();
    const answer = await session.run((control) => session.store.verify(control), progressOptions(options));
    return toVerifyResult(answer);
  }

  async status(): Promise<types.RvfStatus> {
    return toStatus(
      this.#open().info,
      this.#call((store) => store.status()),
    );
  }

  async segments(): Promise<types.RvfSegmentInfo[]> {
    return this.#call((store) => store.segments());
  }

  async dimension(): Promise<number> {
    return this.#open().info.dimension;
  }

  async fileId(): Promise<string> {
    return this.#open().info.fileId;
  }

  async parentId(): Promise<string> {
    return this.#open().info.parentId;
  }

  async lineageDepth(): Promise<number> {
    return this.#open().info.lineageDepth;
  }

  metric(): types.DistanceMetric {
    return metricName(this.#open().info);
  }

  schema(): filters.RvfSchemaField[] {
    return schemaFields(this.#open().info.schema);
  }

  indexStats(): types.RvfIndexStats {
    return toIndexStats(
      this.#open().info,
      this.#call((store) => store.status()),
    );
  }

  verifyWitness(): types.RvfWitnessResult {
    this.#open();
    throw notSupported('verifyWitness', `${LATER}; verify() checks every byte of the file`);
  }

  freeze(): number {
    this.#open().ensureWritable();
    return this.#call((store) => store.freeze());
  }

  async refresh(): Promise<boolean> {
    const session = this.#open();
    return session.run(() => session.store.refresh());
  }

  async exportBytes(): Promise<Uint8Array> {
    const session = this.#open();
    return session.run(() => session.store.exportBytes());
  }

  async derive(_childPath: string, _options?: types.RvfDeriveOptions): Promise<RvfBackend> {
    this.#open();
    throw notSupported('derive', `${LATER}; copy the store with backup(path)`);
  }

  async embedKernel(
    _arch: number,
    _kernelType: number,
    _flags: number,
    _image: Uint8Array,
    _apiPort: number,
    _cmdline?: string,
  ): Promise<number> {
    this.#open();
    throw notSupported('embedKernel', `${LATER}; keep the image in a file of its own`);
  }

  async extractKernel(): Promise<types.RvfKernelData | null> {
    this.#open();
    throw notSupported('extractKernel', `${LATER}; keep the image in a file of its own`);
  }

  async embedEbpf(
    _programType: number,
    _attachType: number,
    _maxDimension: number,
    _bytecode: Uint8Array,
    _btf?: Uint8Array,
  ): Promise<number> {
    this.#open();
    throw notSupported('embedEbpf', `${LATER}; keep the program in a file of its own`);
  }

  async extractEbpf(): Promise<types.RvfEbpfData | null> {
    this.#open();
    throw notSupported('extractEbpf', `${LATER}; keep the program in a file of its own`);
  }

  async close(): Promise<void> {
    await this.#session?.close();
  }

  async #start(busyTimeoutMs: number, start: (engine: Engine) => Promise<EngineStore>): Promise<void> {
    if (this.#session !== undefined && !this.#session.isClosed) {
      throw new RvfError(
        RvfErrorCode.InvalidInput,
        'the backend has a store open already; close it, or use another',
      );
    }
    const engine = await this.loadEngine();
    try {
      this.#session = new Session(engine, await start(engine), busyTimeoutMs);
    } catch (error) {
      throw RvfError.fromNative(error);
    }
  }

  #open(): Session {
    if (this.#session === undefined) {
      throw storeClosed();
    }
    this.#session.ensureOpen();
    return this.#session;
  }

  #call<T>(call: (store: EngineStore) => T): T {
    const session = this.#open();
    return session.runSync(() => call(session.store));
  }
}

/** The backend over the native addon `@ruvector/rvf-node`, which is loaded at the first `create` or `open`. */
export class NodeBackend extends EngineBackend {
  protected override loadEngine(): Promise<Engine> {
    return loadNativeEngine();
  }
}

/** The backend over WebAssembly. This version has none: `create` and `open` reject with `NotSupportedHere`. */
export class WasmBackend extends EngineBackend {
  protected override async loadEngine(): Promise<Engine> {
    throw notSupported("backend 'wasm'", `${LATER}; use 'node' or 'auto'`);
  }
}

function progressOptions(given: types.RvfProgressOptions | undefined): types.RvfProgressOptions | undefined {
  return given === undefined
    ? undefined
    : checkObject<types.RvfProgressOptions>('options', given, PROGRESS_KEYS);
}
