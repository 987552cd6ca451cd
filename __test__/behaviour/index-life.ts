import type { RvfDatabase, RvfError } from '@ruvector/rvf';
import { describe, expect, test } from 'vitest';
import { expectFailure } from '../support/failures.js';
import { type Host, useStores } from '../support/host.js';
import { idsOf, nearestIds, randomEntries, vectorsOf } from '../support/shapes.js';

const COUNT = 700;

/** The graph is made, and stays with the store wherever that goes. */
export function indexLifeBehaviour(host: Host): void {
  describe('the life of the graph', () => {
    const stores = useStores(host);
    const entries = randomEntries(COUNT);

    async function indexed(): Promise<RvfDatabase> {
      const db = await stores.create({ dimensions: 12 });
      await db.ingestBatch(entries);
      await db.waitForIndex();
      return db;
    }

    /** Expects all entries to be in the graph, without waiting for it, and to be found. */
    async function expectIndexed(db: RvfDatabase, count = COUNT): Promise<void> {
      expect(db.indexStats()).toMatchObject({ indexedVectors: count, needsRebuild: false });
      expect(db.indexStats().layers).toBeGreaterThan(0);
      expect((await db.status()).unindexedRows).toBe(0);
      const stored = entries.slice(COUNT - count);
      const ids = await nearestIds(db, vectorsOf(stored));
      expect(ids).toEqual(idsOf(stored));
    }

    test('waitForIndex brings every entry into it', async () => {
      const db = await stores.create({ dimensions: 12 });
      await db.ingestBatch(entries);
      expect(db.indexStats()).toMatchObject({ indexedVectors: 0, layers: 0 });
      expect((await db.status()).unindexedRows).toBe(COUNT);
      expect(await db.waitForIndex()).toBeUndefined();
      await expectIndexed(db);
    });

    test('it is there after reopening, to write and to read', async () => {
      await (await indexed()).close();
      await expectIndexed(await stores.openReadonly());
      await expectIndexed(await stores.open());
    });

    test('it is there in a backup and in exported bytes', async () => {
      const db = await indexed();
      await db.backup(stores.path('copy.rvf'));
      await expectIndexed(await stores.open({}, 'copy.rvf'));
      const bytes = await db.exportBytes();
      await expectIndexed(await stores.openBytes(bytes));
      await expectIndexed(await stores.openBytes(bytes, { readOnly: true }));
    });

    test('a compaction brings it along without what is deleted', async () => {
      const db = await indexed();
      await db.delete(idsOf(entries.slice(0, 200)));
      expect((await db.status()).unindexedRows).toBe(0);
      await db.compact();
      await expectIndexed(db, 500);
      await db.close();
      await expectIndexed(await stores.open(), 500);
    });

    test('a store in memory has it, too', async () => {
      const db = await host.create(':memory:', { dimensions: 12 });
      await db.ingestBatch(entries);
      await db.waitForIndex();
      await expectIndexed(db);
      await db.close();
    });

    test('waitForIndex has nothing to do in an empty store, nor a second time', async () => {
      const empty = await stores.create({}, 'empty.rvf');
      await empty.waitForIndex();
      expect(empty.indexStats().indexedVectors).toBe(0);
      const db = await indexed();
      const { epoch } = await db.status();
      await db.waitForIndex();
      expect((await db.status()).epoch).toBe(epoch);
      await expectIndexed(db);
    });

    test('several may wait at once, beside writes', async () => {
      const db = await stores.create({ dimensions: 12 });
      await db.ingestBatch(entries.slice(0, 500));
      const inserts = entries.slice(500).map(({ id, vector }) => db.insert(id, vector));
      await Promise.all([db.waitForIndex(), db.waitForIndex(), ...inserts, db.waitForIndex()]);
      expect(db.indexStats().indexedVectors).toBeGreaterThanOrEqual(500);
      await db.waitForIndex();
      await expectIndexed(db);
    });

    test('a call that is cancelled can be made again', async () => {
      const db = await stores.create({ dimensions: 12 });
      await db.ingestBatch(entries);
      const controller = new AbortController();
      const waiting = db.waitForIndex({ signal: controller.signal });
      controller.abort('enough');
      await waiting.catch((reason) => expect(reason).toBe('enough'));
      await db.waitForIndex();
      await expectIndexed(db);
    });

    test('close ends a call that waits, which fails with StoreClosed or was through', async () => {
      const db = await stores.create({ dimensions: 12 });
      await db.ingestBatch(entries);
      const waiting = db
        .waitForIndex()
        .catch((error: unknown) => expectFailure(error as RvfError, 'StoreClosed'));
      await db.close();
      await waiting;
      expect(await (await stores.open()).count()).toBe(COUNT);
    });

    if (host.hasFiles) {
      test('a reader gets it with refresh', async () => {
        const db = await stores.create({ dimensions: 12 });
        await db.ingestBatch(entries);
        const reader = await stores.openReadonly();
        expect((await reader.status()).unindexedRows).toBe(COUNT);
        await db.waitForIndex();
        expect(await reader.refresh()).toBe(true);
        await expectIndexed(reader);
      });
    }
  });
}
