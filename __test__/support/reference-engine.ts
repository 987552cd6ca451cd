import {
  DATA_TYPE_BINARY,
  type Engine,
  type EngineControl,
  type EngineCreateOptions,
  type EngineHits,
  type EngineIngest,
  type EngineIngestGroup,
  type EngineOpenOptions,
  type EngineRows,
  type EngineSnapshot,
  type EngineStore,
  METRIC_NAMES,
  QUERY_METADATA,
  QUERY_VECTORS,
} from '../../src-ts/engine.js';
import { distanceBetween } from './brute-force.js';

interface Row {
  id: string;
  vector: Uint8Array;
  metadata: string;
}

interface File {
  options: EngineCreateOptions;
  /** In the order of insertion. */
  rows: Map<string, Row>;
  epoch: number;
  writer: boolean;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The plainest engine there can be, in memory: what the interface of `engine.ts` means, and the means to hold calls
 * where a test wants them. `files` are its disk.
 */
export class ReferenceEngine implements Engine {
  readonly kind = 'node';
  readonly files = new Map<string, File>();
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
    const file: File = { options, rows: new Map(), epoch: 1, writer: true };
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
    return new ReferenceStore(this, copyOf(file), options.readOnly);
  }

  /** What every asynchronous call does first: be counted, be held, and see whether it was cancelled meanwhile. */
  async enter(name: string, control?: EngineControl): Promise<void> {
    this.calls.push(name);
    await this.#gate;
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
    readonly file: File,
    readonly readOnly: boolean,
  ) {}

  info() {
    const { dimension, metric, dataType, m, efConstruction, profile } = this.file.options;
    const identity = { fileId: '0123456789abcdef'.repeat(2), parentId: '0'.repeat(32), lineageDepth: 0 };
    return { dimension, metric, dataType, m, efConstruction, profile, readOnly: this.readOnly, ...identity };
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
    const texts =
      metadata === null || metadataOffsets === null ? undefined : unpack(metadata, metadataOffsets);
    const rowBytes = vectors.length / (idOffsets.length - 1);
    const skipped: number[] = [];
    const rows = unpack(ids, idOffsets).map((id, index) => {
      const vector = vectors.slice(index * rowBytes, (index + 1) * rowBytes);
      return { id, vector, metadata: texts?.[index] ?? '' };
    });
    const stored = new Set(this.file.rows.keys());
    const duplicate = rows.find((row) => stored.has(row.id));
    if (onDuplicate === 1 && duplicate !== undefined) {
      throw new Error(`[0306] id ${duplicate.id} is stored already`);
    }
    rows.forEach((row, index) => {
      if (onDuplicate === 2 && stored.has(row.id)) {
        skipped.push(index);
        return;
      }
      this.file.rows.delete(row.id);
      this.file.rows.set(row.id, row);
    });
    return { accepted: rows.length - skipped.length, epoch: ++this.file.epoch, skipped };
  }

  async delete(ids: Uint8Array, idOffsets: Uint32Array) {
    await this.engine.enter('delete');
    return this.deleteSync(ids, idOffsets);
  }

  deleteSync(ids: Uint8Array, idOffsets: Uint32Array) {
    const deleted = unpack(ids, idOffsets).filter((id) => this.file.rows.delete(id)).length;
    return { deleted, epoch: ++this.file.epoch };
  }

  async query(...given: Parameters<EngineStore['query']>): Promise<EngineHits> {
    const [vector, k, flags, efSearch, maxDistance, timeoutMs, control] = given;
    const copy = vector.slice();
    await this.engine.enter('query', control);
    return this.querySync(copy, k, flags, efSearch, maxDistance, timeoutMs);
  }

  querySync(...given: Parameters<EngineStore['querySync']>): EngineHits {
    const [vector, k, flags, , maxDistance] = given;
    const metric = METRIC_NAMES[this.file.options.metric] ?? 'l2';
    const binary = this.file.options.dataType === DATA_TYPE_BINARY;
    const values = (bytes: Uint8Array) => (binary ? bytes : new Float32Array(bytes.slice().buffer));
    const hits = [...this.file.rows.values()]
      .map((row) => ({ row, distance: distanceBetween(metric, values(vector), values(row.vector)) }))
      .filter((hit) => !(hit.distance > maxDistance))
      .sort((a, b) => a.distance - b.distance)
      .slice(0, k);
    const rows = hits.map((hit) => hit.row);
    const answer: EngineHits = { ids: rows.map((row) => row.id), distances: hits.map((hit) => hit.distance) };
    return { ...answer, ...attachments(rows, (flags & QUERY_METADATA) !== 0, (flags & QUERY_VECTORS) !== 0) };
  }

  async queryBatch(...given: Parameters<EngineStore['queryBatch']>) {
    const [vectors, k, flags, efSearch, maxDistance, timeoutMs, control] = given;
    await this.engine.enter('queryBatch', control);
    const { dimension, dataType } = this.file.options;
    const rowBytes = dataType === DATA_TYPE_BINARY ? (dimension + 7) >> 3 : dimension * 4;
    const ids: string[] = [];
    const distances: number[] = [];
    const counts = new Uint32Array(vectors.length / rowBytes);
    for (let index = 0; index < counts.length; index++) {
      const vector = vectors.slice(index * rowBytes, (index + 1) * rowBytes);
      const hits = this.querySync(vector, k, 0, efSearch, maxDistance, timeoutMs);
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

  snapshot(): EngineSnapshot {
    const { engine } = this;
    const all = [...this.file.rows.values()];
    engine.calls.push('snapshot');
    return {
      count: all.length,
      rows: async (cursor, limit, includeVectors) => {
        await engine.enter('rows');
        const rows = all.slice(cursor, cursor + limit);
        const next = cursor + limit < all.length ? cursor + limit : -1;
        return {
          ids: rows.map((row) => row.id),
          indexes: [],
          next,
          ...attachments(rows, true, includeVectors),
        };
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
    const rows = { totalVectors, totalRows: totalVectors, unindexedRows: totalVectors };
    const file = { totalSegments: 1, fileSizeBytes: 12_288, epoch: this.file.epoch };
    return { ...still, ...nothing, ...rows, ...file, profile, readOnly: this.readOnly };
  }

  segments() {
    return [{ id: 0, offset: 0, payloadLength: 12_224, segType: 'head' }];
  }

  async compact(control?: EngineControl) {
    await this.engine.enter('compact', control);
    return { segmentsCompacted: 0, bytesReclaimed: 0, epoch: ++this.file.epoch };
  }

  async backup(path: string, control?: EngineControl) {
    await this.engine.enter('backup', control);
    this.engine.files.set(path, { ...copyOf(this.file), writer: false });
  }

  async verify(control?: EngineControl) {
    await this.engine.enter('verify', control);
    return { segments: 1, bytes: 12_288, problems: [] };
  }

  async exportBytes() {
    await this.engine.enter('exportBytes');
    const name = `export ${this.engine.files.size}`;
    this.engine.files.set(name, copyOf(this.file));
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

function copyOf(file: File): File {
  return { ...file, rows: new Map(file.rows) };
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
