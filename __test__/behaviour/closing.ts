import type { RvfDatabase, RvfFilterExpr } from '@ruvector/rvf';
import { describe, expect, test } from 'vitest';
import { expectFailure, expectRejection, thrown } from '../support/failures.js';
import { type Host, useStores } from '../support/host.js';

const entry = { id: 'a', vector: [1, 0, 0, 0] };
const filter: RvfFilterExpr = { op: 'eq', field: 'a', value: 1 };

/** Every asynchronous call, to be made on a closed store. */
const CALLS: [string, (db: RvfDatabase) => Promise<unknown>][] = [
  ['ingestBatch', (db) => db.ingestBatch([entry])],
  ['insert', (db) => db.insert('a', [1, 0, 0, 0])],
  ['insertBatch', (db) => db.insertBatch([entry])],
  ['query', (db) => db.query([1, 0, 0, 0], 1)],
  ['queryBatch', (db) => db.queryBatch([[1, 0, 0, 0]], 1)],
  ['get', (db) => db.get(['a'])],
  ['has', (db) => db.has('a')],
  ['count', (db) => db.count()],
  ['delete', (db) => db.delete(['a'])],
  ['count of a filter', (db) => db.count(filter)],
  ['list', (db) => db.list()],
  ['queryByFilter', (db) => db.queryByFilter(filter)],
  ['deleteByFilter', (db) => db.deleteByFilter(filter)],
  ['updateMetadata', (db) => db.updateMetadata(['a'], { a: 1 })],
  ['updateMetadata of nothing', (db) => db.updateMetadata([], { a: 1 })],
  ['replaceWhere', (db) => db.replaceWhere(filter, [entry])],
  ['changes', (db) => db.changes(0)],
  ['explain of a filter', (db) => db.explain(filter)],
  ['explain of a query', (db) => db.explain([1, 0, 0, 0], 1)],
  ['waitForIndex', (db) => db.waitForIndex()],
  ['compact', (db) => db.compact()],
  ['status', (db) => db.status()],
  ['segments', (db) => db.segments()],
  ['dimension', (db) => db.dimension()],
  ['fileId', (db) => db.fileId()],
  ['parentId', (db) => db.parentId()],
  ['lineageDepth', (db) => db.lineageDepth()],
  ['refresh', (db) => db.refresh()],
  ['backup', (db) => db.backup('nowhere.rvf')],
  ['verify', (db) => db.verify()],
  ['exportBytes', (db) => db.exportBytes()],
  ['derive', (db) => db.derive('nowhere.rvf')],
  ['embedKernel', (db) => db.embedKernel(0, 0, 0, new Uint8Array(1), 0)],
  ['extractKernel', (db) => db.extractKernel()],
  ['embedEbpf', (db) => db.embedEbpf(0, 0, 1, new Uint8Array(1))],
  ['extractEbpf', (db) => db.extractEbpf()],
];

/** Every synchronous call, to be made on a closed store. */
const SYNC_CALLS: [string, (db: RvfDatabase) => unknown][] = [
  ['ingestBatchSync', (db) => db.ingestBatchSync([entry])],
  ['querySync', (db) => db.querySync([1, 0, 0, 0], 1)],
  ['deleteSync', (db) => db.deleteSync(['a'])],
  ['iterate', (db) => db.iterate()],
  ['iterate over a filter', (db) => db.iterate({ filter })],
  ['where', (db) => db.where('a')],
  ['schema', (db) => db.schema()],
  ['metric', (db) => db.metric()],
  ['indexStats', (db) => db.indexStats()],
  ['freeze', (db) => db.freeze()],
  ['verifyWitness', (db) => db.verifyWitness()],
];

/** `close` waits for what runs, and ends everything else. */
export function closingBehaviour(host: Host): void {
  describe('closing', () => {
    const stores = useStores(host);

    test('calls made before close have their effect, those made after fail', async () => {
      const db = await stores.create({ dimensions: 64 });
      const entries = Array.from({ length: 2_000 }, (_, index) => ({
        id: `${index}`,
        vector: new Float32Array(64).fill(index),
      }));
      const settled: string[] = [];
      const before = [
        db.ingestBatch(entries).then(() => settled.push('ingest')),
        db.insert('last', new Float32Array(64)).then(() => settled.push('insert')),
        db.query(new Float32Array(64), 10).then(() => settled.push('query')),
      ];
      const closed = db.close().then(() => settled.push('close'));
      expect(db.isClosed).toBe(true);
      await expectRejection(db.count(), 'StoreClosed');
      await Promise.all([...before, closed]);
      expect(settled.at(-1)).toBe('close');
      expect(settled).toHaveLength(4);
      expect(await (await stores.open()).count()).toBe(2_001);
    });

    test('close is a promise every time, and doing it twice does no harm', async () => {
      const db = await stores.create();
      expect(db.isClosed).toBe(false);
      const [first, second] = [db.close(), db.close()];
      expect(first).toBeInstanceOf(Promise);
      expect(second).toBeInstanceOf(Promise);
      await Promise.all([first, second]);
      await db.close();
      expect(db.isClosed).toBe(true);
    });

    test('await using closes the store', async () => {
      const db = await stores.create();
      await db[Symbol.asyncDispose]();
      expect(db.isClosed).toBe(true);
      await (await stores.open()).close();
    });

    test.each(CALLS)('%s after close rejects with StoreClosed', async (_name, call) => {
      const db = await stores.create();
      await db.close();
      const promise = call(db);
      await expectRejection(promise, 'StoreClosed', 'RvfDatabase.open');
    });

    test.each(SYNC_CALLS)('%s after close throws StoreClosed', async (_name, call) => {
      const db = await stores.create();
      await db.close();
      expectFailure(
        thrown(() => call(db)),
        'StoreClosed',
      );
    });
  });
}
