import {
  type Engine,
  type EngineChanges,
  type EngineControl,
  type EngineCreateOptions,
  type EngineHits,
  type EngineIngest,
  type EngineIngestGroup,
  type EngineOpenOptions,
  type EnginePage,
  type EngineReplace,
  type EngineRows,
  type EngineSnapshot,
  type EngineStore,
  type EngineUpdate,
  METRIC_NAMES,
  QUERY_EXPLAIN,
  QUERY_METADATA,
  QUERY_VECTORS,
} from '../../src-ts/engine.js';
import { distanceBetween, rowBytesOf, valuesOf } from './brute-force.js';
import { conditionsOf, type NewRow, ReferenceFile, type Row } from './reference-file.js';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The plainest engine there can be, in memory: what the interface of `engine.ts` means, and the means to hold calls
 * where a test wants them. `files` are its disk.
 */
export class ReferenceEngine implements Engine {
  readonly kind = 'node';
  readonly files = new Map<string, ReferenceFile>();
  /** Names of the calls made, in their order. */
  readonly calls: string[] = [];
  #gate: Promise<void> | undefined;
  #openGate: (() => void) | undefined;

  /** Makes asynchronous calls wait until `release`. */
  hold(): void {
    this.#gate = new Promise((resolve) => {
      this.#openGate = resolve;
    });
  }

  release(): void {
    this.#openGate?.();
    this.#gate = undefined;
  }

  version(): string {
    return 'reference';
  }

  createControl(): EngineControl {
    return new ReferenceControl();
  }

  async create(path: string, options: EngineCreateOptions): Promise<EngineStore> {
    if (this.files.has(path)) {
      throw new Error(`[0306] ${path} exists already`);
    }
    const file = new ReferenceFile(options);
    if (path !== ':memory:') {
      this.files.set(path, file);
    }
    return new ReferenceStore(this, file, false);
  }

  async open(path: string, options: EngineOpenOptions): Promise<EngineStore> {
    const file = this.files.get(path);
    if (file === undefined) {
      throw new Error(`[030A] ${path}: no such file`);
    }
    if (file.writer && !options.readOnly) {
      throw new Error(`[0300] ${path} is open for writing in process ${process.pid}`);
    }
    file.writer ||= !options.readOnly;
    return new ReferenceStore(this, file, options.readOnly);
  }

  async openBytes(bytes: Uint8Array, options: EngineOpenOptions): Promise<EngineStore> {
    const file = this.files.get(decoder.decode(bytes));
    if (file === undefined) {
      throw new Error('[0100] no store');
    }
    return new ReferenceStore(this, file.copy(), options.readOnly);
  }

  /** What every asynchronous call does first: be counted, be held, and see whether it was cancelled meanwhile. */
  async enter(name: string, control?: EngineControl, timeoutMs = 0): Promise<void> {
    this.calls.push(name);
    const start = performance.now();
    await this.#gate;
    if (timeoutMs > 0 && performance.now() - start > timeoutMs) {
      throw new Error(`[0205] ${timeoutMs} ms are over`);
    }
    if ((control as ReferenceControl | undefined)?.cancelled === true) {
      throw new Error('[0205] cancelled');
    }
  }
}

class ReferenceControl implements EngineControl {
  cancelled = false;

  cancel(): void {
    this.cancelled = true;
  }

  progress(): [number, number] {
    return [3, 4];
  }
}

class ReferenceStore implements EngineStore {
  constructor(
    readonly engine: ReferenceEngine,
    readonly file: ReferenceFile,
    readonly readOnly: boolean,
  ) {}

  info() {
    const { durability: _, ...kept } = this.file.options;
    const identity = { fileId: this.file.fileId, parentId: '0'.repeat(32), lineageDepth: 0 };
    return { ...kept, readOnly: this.readOnly, ...identity };
  }

  async ingest(...given: Parameters<EngineStore['ingest']>): Promise<EngineIngest> {
    const [ids, idOffsets, vectors, metadata, metadataOffsets, onDuplicate, control] = given;
    const copies = [ids.slice(), idOffsets.slice(), vectors.slice(), metadata?.slice() ?? null] as const;
    await this.engine.enter('ingest', control);
    return this.ingestSync(...copies, metadataOffsets, onDuplicate, 0);
  }

  async ingestGroup(...given: Parameters<EngineStore['ingestGroup']>): Promise<EngineIngestGroup> {
    const [ids, idOffsets, vectors, metadata, metadataOffsets, counts] = given;
    const rowBytes = vectors.length / (idOffsets.length - 1);
    let first = 0;
    const answers = [...counts].map((count) => {
      const [start, end] = [first, first + count];
      first = end;
      const vector = vectors.slice(start * rowBytes, end * rowBytes);
      const metadataPart = metadataOffsets?.subarray(start, end + 1) ?? null;
      return this.ingest(ids, idOffsets.subarray(start, end + 1), vector, metadata, metadataPart, 0);
    });
    return { epochs: (await Promise.all(answers)).map((answer) => answer.epoch) };
  }

  ingestSync(...given: Parameters<EngineStore['ingestSync']>): EngineIngest {
    const [ids, idOffsets, vectors, metadata, metadataOffsets, onDuplicate] = given;
    const rows = rowsOf(ids, idOffsets, vectors, metadata, metadataOffsets);
    const { epoch, skipped } = this.file.replace([], rows, onDuplicate);
    return { accepted: rows.length - skipped.length, epoch, skipped };
  }

  async delete(ids: Uint8Array, idOffsets: Uint32Array) {
    await this.engine.enter('delete');
    return this.deleteSync(ids, idOffsets);
  }

  deleteSync(ids: Uint8Array, idOffsets: Uint32Array) {
    this.file.epoch++;
    return { deleted: this.file.remove(unpack(ids, idOffsets)), epoch: this.file.epoch };
  }

  async query(...given: Parameters<EngineStore['query']>): Promise<EngineHits> {
    const [vector, k, flags, efSearch, maxDistance, timeoutMs, filter, control] = given;
    const copy = vector.slice();
    await this.engine.enter('query', control, timeoutMs);
    return this.querySync(copy, k, flags, efSearch, maxDistance, timeoutMs, filter);
  }

  querySync(...given: Parameters<EngineStore['querySync']>): EngineHits {
    const [vector, k, flags, , maxDistance, , filter] = given;
    const metric = METRIC_NAMES[this.file.options.metric] ?? 'l2';
    const values = (bytes: Uint8Array) => valuesOf(bytes, this.file.options.dataType);
    const fitting = this.file.fitting(filter);
    const hits = fitting
      .map((row) => ({ row, distance: distanceBetween(metric, values(vector), values(row.vector)) }))
      .filter((hit) => !(hit.distance > maxDistance))
      .sort((a, b) => a.distance - b.distance)
      .slice(0, k);
    const rows = hits.map((hit) => hit.row);
    const answer: EngineHits = { ids: rows.map((row) => row.id), distances: hits.map((hit) => hit.distance) };
    if ((flags & QUERY_EXPLAIN) !== 0) {
      const plan = { exact: true, rows: this.file.rows.size, visited: fitting.length, unindexedRows: 0 };
      answer.plan = JSON.stringify(
        filter === ''
          ? { strategy: 'scan', ...plan }
          : { strategy: 'matches', ...plan, filter: this.#filterPlan(filter) },
      );
    }
    return { ...answer, ...attachments(rows, (flags & QUERY_METADATA) !== 0, (flags & QUERY_VECTORS) !== 0) };
  }

  async queryBatch(...given: Parameters<EngineStore['queryBatch']>) {
    const [vectors, k, flags, efSearch, maxDistance, timeoutMs, filter, control] = given;
    await this.engine.enter('queryBatch', control, timeoutMs);
    const { dimension, dataType } = this.file.options;
    const rowBytes = rowBytesOf(dataType, dimension);
    const ids: string[] = [];
    const distances: number[] = [];
    const counts = new Uint32Array(vectors.length / rowBytes);
    for (let index = 0; index < counts.length; index++) {
      const vector = vectors.slice(index * rowBytes, (index + 1) * rowBytes);
      const hits = this.querySync(vector, k, 0, efSearch, maxDistance, timeoutMs, filter);
      ids.push(...hits.ids);
      distances.push(...hits.distances);
      counts[index] = hits.ids.length;
    }
    const rows = ids.map((id) => this.file.rows.get(id) as Row);
    const attached = attachments(rows, (flags & QUERY_METADATA) !== 0, (flags & QUERY_VECTORS) !== 0);
    return { ids, distances, counts, ...attached };
  }

  async get(ids: Uint8Array, idOffsets: Uint32Array, includeVectors: boolean): Promise<EngineRows> {
    await this.engine.enter('get');
    const rows: Row[] = [];
    const indexes: number[] = [];
    unpack(ids, idOffsets).forEach((id, index) => {
      const row = this.file.rows.get(id);
      if (row !== undefined) {
        rows.push(row);
        indexes.push(index);
      }
    });
    return { ids: rows.map((row) => row.id), indexes, next: -1, ...attachments(rows, true, includeVectors) };
  }

  has(ids: Uint8Array, idOffsets: Uint32Array): boolean[] {
    return unpack(ids, idOffsets).map((id) => this.file.rows.has(id));
  }

  count(): number {
    return this.file.rows.size;
  }

  async countWhere(filter: string, timeoutMs: number, control?: EngineControl): Promise<number> {
    await this.engine.enter('countWhere', control, timeoutMs);
    return this.file.fitting(filter).length;
  }

  async listWhere(...given: Parameters<EngineStore['listWhere']>): Promise<EnginePage> {
    const [filter, cursor, generation, limit, includeVectors, timeoutMs, control] = given;
    await this.engine.enter('listWhere', control, timeoutMs);
    if (generation !== -1 && generation !== this.file.generation) {
      throw new Error('[0307] the cursor is from before a compaction; list from the start');
    }
    const rest = this.file.fitting(filter).filter((row) => row.number >= cursor);
    const next = rest[limit]?.number ?? -1;
    return { ...answerOf(rest.slice(0, limit), includeVectors, next), generation: this.file.generation };
  }

  async deleteWhere(filter: string, control?: EngineControl) {
    await this.engine.enter('deleteWhere', control);
    const fitting = this.file.fitting(filter);
    const { epoch } = this.file.replace(fitting, [], 0);
    return { deleted: fitting.length, epoch };
  }

  async updateMetadata(...given: Parameters<EngineStore['updateMetadata']>): Promise<EngineUpdate> {
    const [ids, idOffsets, filter, patch, control] = given;
    const asked = ids === null || idOffsets === null ? undefined : new Set(unpack(ids, idOffsets));
    await this.engine.enter('updateMetadata', control);
    const rows = this.file.fitting(filter).filter((row) => asked?.has(row.id) !== false);
    return this.file.update(rows, patch);
  }

  async replaceWhere(...given: Parameters<EngineStore['replaceWhere']>): Promise<EngineReplace> {
    const [filter, ids, idOffsets, vectors, metadata, metadataOffsets, onDuplicate, control] = given;
    const rows = rowsOf(ids, idOffsets, vectors, metadata, metadataOffsets);
    await this.engine.enter('replaceWhere', control);
    const leaving = this.file.fitting(filter);
    const { epoch, skipped } = this.file.replace(leaving, rows, onDuplicate);
    return { accepted: rows.length - skipped.length, epoch, skipped, deleted: leaving.length };
  }

  async changes(...given: Parameters<EngineStore['changes']>): Promise<EngineChanges> {
    const [sinceEpoch, position, limit, includeVectors] = given;
    const [until = this.file.epoch, afterEpoch = -1, afterRow = -1, generation = this.file.generation] =
      position;
    await this.engine.enter('changes');
    if (generation !== this.file.generation) {
      throw new Error('[0307] the cursor is from before a compaction');
    }
    const { rows, deleted } = this.file.changesSince(sinceEpoch);
    const rest = rows.filter(
      ({ epoch, number }) =>
        epoch <= until && (epoch > afterEpoch || (epoch === afterEpoch && number > afterRow)),
    );
    const page = rest.slice(0, limit);
    const last = page.length === rest.length ? undefined : page.at(-1);
    return {
      ...answerOf(page, includeVectors, -1),
      epochs: page.map((row) => row.epoch),
      deleted: last === undefined ? deleted : [],
      epoch: until,
      position: last === undefined ? [] : [until, last.epoch, last.number, generation],
    };
  }

  async explain(filter: string): Promise<string> {
    await this.engine.enter('explain');
    return JSON.stringify(this.#filterPlan(filter));
  }

  #filterPlan(filter: string) {
    const rows = this.file.rows.size;
    const matched = this.file.fitting(filter).length;
    const selectivity = rows === 0 ? 0 : matched / rows;
    const conditions = conditionsOf(JSON.parse(filter)).map(({ path, condition }) => {
      const fits = this.file.fitting(JSON.stringify(condition)).length;
      return { path, low: fits, high: fits };
    });
    const figures = { rows, estimated: selectivity, matched, selectivity };
    return { ...figures, indexedRows: 0, unindexedRows: rows, checkedRows: rows, conditions };
  }

  snapshot(): EngineSnapshot {
    const { engine } = this;
    const all = [...this.file.rows.values()];
    engine.calls.push('snapshot');
    return {
      count: all.length,
      rows: async (cursor, limit, includeVectors, filter) => {
        await engine.enter('rows');
        const fitting = this.file.fitting(filter, all);
        const next = cursor + limit < fitting.length ? cursor + limit : -1;
        return answerOf(fitting.slice(cursor, cursor + limit), includeVectors, next);
      },
      release: () => engine.calls.push('release'),
    };
  }

  status() {
    const totalVectors = this.file.rows.size;
    const { profile } = this.file.options;
    const still = {
      compactionRunning: false,
      deadSpaceRatio: 0,
      poisoned: false,
      mapped: false,
      tailBytes: 0,
    };
    const nothing = { retainedBytes: 0, witnessEntries: 0, recoveredTornBytes: 0, recoveredCommits: 0 };
    const rows = { totalVectors, totalRows: totalVectors, unindexedRows: this.file.unindexedRows };
    const index = {
      indexLayers: rows.unindexedRows < totalVectors ? 1 : 0,
      indexBytes: 0,
      needsRebuild: false,
    };
    const file = { totalSegments: 1, fileSizeBytes: 12_288, epoch: this.file.epoch };
    return { ...still, ...nothing, ...rows, ...index, ...file, profile, readOnly: this.readOnly };
  }

  segments() {
    return [{ id: 0, offset: 0, payloadLength: 12_224, segType: 'head' }];
  }

  async waitForIndex(control?: EngineControl) {
    await this.engine.enter('waitForIndex', control);
    this.file.index();
  }

  async compact(control?: EngineControl) {
    await this.engine.enter('compact', control);
    this.file.compact();
    return { segmentsCompacted: 0, bytesReclaimed: 0, epoch: this.file.epoch };
  }

  async backup(path: string, control?: EngineControl) {
    await this.engine.enter('backup', control);
    this.engine.files.set(path, Object.assign(this.file.copy(), { writer: false }));
  }

  async verify(control?: EngineControl) {
    await this.engine.enter('verify', control);
    return { segments: 1, bytes: 12_288, problems: [] };
  }

  async exportBytes() {
    await this.engine.enter('exportBytes');
    const name = `export ${this.engine.files.size}`;
    this.engine.files.set(name, this.file.copy());
    return new TextEncoder().encode(name);
  }

  freeze(): number {
    return this.file.epoch;
  }

  async refresh() {
    await this.engine.enter('refresh');
    return false;
  }

  async close() {
    this.engine.calls.push('close');
    this.file.writer &&= this.readOnly;
  }
}

function unpack(bytes: Uint8Array, offsets: Uint32Array): string[] {
  return Array.from(offsets.subarray(1), (end, index) => decoder.decode(bytes.subarray(offsets[index], end)));
}

/** The entries of a batch. */
function rowsOf(
  ids: Uint8Array,
  idOffsets: Uint32Array,
  vectors: Uint8Array,
  metadata: Uint8Array | null,
  metadataOffsets: Uint32Array | null,
): NewRow[] {
  const texts = metadata === null || metadataOffsets === null ? undefined : unpack(metadata, metadataOffsets);
  const rowBytes = vectors.length / (idOffsets.length - 1);
  return unpack(ids, idOffsets).map((id, index) => {
    const vector = vectors.slice(index * rowBytes, (index + 1) * rowBytes);
    return { id, vector, metadata: texts?.[index] ?? '' };
  });
}

function answerOf(rows: Row[], includeVectors: boolean, next: number): EngineRows {
  return { ids: rows.map((row) => row.id), indexes: [], next, ...attachments(rows, true, includeVectors) };
}

/** Metadata and vectors of rows, as answers carry them. */
function attachments(rows: Row[], metadata: boolean, vectors: boolean) {
  const answer: Pick<EngineRows, 'metadata' | 'withoutMetadata' | 'vectors'> = {};
  const bare = rows.flatMap((row, index) => (row.metadata === '' ? [index] : []));
  if (metadata && bare.length < rows.length) {
    answer.metadata = `[${rows.map((row) => row.metadata || 'null').join(',')}]`;
    if (bare.length > 0) {
      answer.withoutMetadata = bare;
    }
  }
  if (vectors) {
    answer.vectors = new Uint8Array(rows.flatMap((row) => [...row.vector]));
  }
  return answer;
}
