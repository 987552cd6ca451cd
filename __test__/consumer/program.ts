/**
 * A program as users of `@ruvector/rvf` 0.2 write it: it uses nothing else than that version's SDK, and prints what it
 * finds as JSON. The tests compile and run it against both.
 */
import {
  type BackendType,
  type CompactionState,
  type DistanceMetric,
  NodeBackend,
  type RvfBackend,
  RvfDatabase,
  type RvfDeleteResult,
  RvfError,
  RvfErrorCode,
  type RvfFilterExpr,
  type RvfIngestEntry,
  type RvfIngestResult,
  type RvfOptions,
  type RvfQueryOptions,
  type RvfSearchResult,
  type RvfSegmentInfo,
  type RvfStatus,
  resolveBackend,
  WasmBackend,
} from '@ruvector/rvf';

declare const process: { argv: string[] };
declare const console: { log(text: string): void };

const path: string = process.argv[2] ?? 'store.rvf';
const metric: DistanceMetric = 'cosine';
const options: RvfOptions = {
  dimensions: 4,
  metric,
  profile: 0,
  compression: 'none',
  m: 16,
  efConstruction: 200,
};
const backend: BackendType = 'auto';
const found: Record<string, unknown> = {};

const entries: RvfIngestEntry[] = [
  { id: 'first', vector: new Float32Array([1, 0, 0, 0]), metadata: { title: 'one', year: 2024, open: true } },
  { id: 'second', vector: [0.6, 0.8, 0, 0] },
  { id: 'third', vector: new Float32Array([0, 0, 1, 0]), metadata: {} },
  { id: 'fourth', vector: [0, 0, 0, 1] },
];

function rounded(results: RvfSearchResult[]): [string, number][] {
  return results.map((result) => [result.id, Math.round(result.distance * 1e4) / 1e4]);
}

/** The published package forgets the metric when it reopens a store, so only the order can be the same then. */
function ids(results: RvfSearchResult[]): string[] {
  return results.map((result) => result.id);
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'no error';
  } catch (error) {
    return error instanceof RvfError ? RvfErrorCode[error.code] : String(error);
  }
}

async function write(): Promise<void> {
  const db: RvfDatabase = await RvfDatabase.create(path, options, backend);
  const ingested: RvfIngestResult = await db.ingestBatch(entries);
  found.ingested = [ingested.accepted, ingested.rejected, typeof ingested.epoch];
  const queryOptions: RvfQueryOptions = { efSearch: 100, timeoutMs: 0 };
  found.nearest = rounded(await db.query([1, 0, 0, 0], 2, queryOptions));
  found.typed = rounded(await db.query(new Float32Array([0, 0, 1, 0]), 1));
  const deleted: RvfDeleteResult = await db.delete(['fourth', 'nobody']);
  found.deleted = deleted.deleted;
  const status: RvfStatus = await db.status();
  const state: CompactionState = status.compactionState;
  found.status = [status.totalVectors, state, status.readOnly, status.profileId, status.fileSizeBytes >= 0];
  const segments: RvfSegmentInfo[] = await db.segments();
  found.segments = segments.every(
    (segment) =>
      typeof segment.id === 'number' && typeof segment.segType === 'string' && segment.payloadLength >= 0,
  );
  found.identity = [
    await db.parentId(),
    await db.lineageDepth(),
    (await db.fileId()).length,
    await db.dimension(),
  ];
  const compacted = await db.compact();
  found.compacted = [typeof compacted.segmentsCompacted, typeof compacted.bytesReclaimed];
  found.afterCompact = rounded(await db.query([1, 0, 0, 0], 10));
  found.wrongLength = await codeOf(db.query([1, 0], 1));
  found.open = db.isClosed;
  await db.close();
  await db.close();
  found.closed = db.isClosed;
  found.afterClose = [await codeOf(db.query([1, 0, 0, 0], 1)), await codeOf(db.status())];
}

async function read(): Promise<void> {
  const db = await RvfDatabase.open(path, 'auto');
  found.reopened = ids(await db.query([1, 0, 0, 0], 10));
  await db.ingestBatch([{ id: 'first', vector: [0, 0, 0, 2] }]);
  found.replaced = ids(await db.query([0, 0, 0, 1], 1));
  await db.close();
  const reader = await RvfDatabase.openReadonly(path);
  found.reader = [(await reader.status()).readOnly, (await reader.status()).totalVectors];
  await reader.close();
}

/** Never called: that it compiles is all that is asked of it. */
export async function compiles(db: RvfDatabase): Promise<unknown[]> {
  const filter: RvfFilterExpr = {
    op: 'and',
    exprs: [
      { op: 'eq', fieldId: 0, value: 'one' },
      { op: 'not', expr: { op: 'in', fieldId: 1, values: [1, 2] } },
      { op: 'or', exprs: [{ op: 'range', fieldId: 1, low: 0, high: 9 }] },
    ],
  };
  const own: RvfBackend = resolveBackend('node');
  const child: RvfDatabase = await db.derive('child.rvf', { dimensions: 4 });
  const kernel = await db.extractKernel();
  const program = await db.extractEbpf();
  return [
    await db.deleteByFilter(filter),
    await db.query([1], 1, { filter }),
    await db.embedKernel(0, 0, 0, new Uint8Array(1), 8080, 'quiet'),
    await db.embedEbpf(0, 0, 4, new Uint8Array(1), new Uint8Array(1)),
    [kernel?.header, kernel?.image, program?.header, program?.payload],
    [RvfDatabase.fromBackend(own), new NodeBackend(), new WasmBackend(), child],
    new RvfError(RvfErrorCode.Timeout, 'detail').isFormatError,
    RvfError.fromNative(new Error('text')).category,
  ];
}

async function main(): Promise<void> {
  await write();
  await read();
  console.log(JSON.stringify(found));
}

main().catch((error: unknown) => console.log(JSON.stringify({ failed: String(error) })));
