import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { expectFailure, expectRejection, thrown } from '../support/failures.js';
import { type Host, useStores } from '../support/host.js';

/** Creating, opening, copying and closing. */
export function lifeBehaviour(host: Host): void {
  describe('life', () => {
    const stores = useStores(host);
    const entry = { id: 'a', vector: [1, 0, 0, 0], metadata: { a: 1 } };

    test('a reopened store is the store that was created', async () => {
      const options = {
        dimensions: 7,
        metric: 'dotproduct',
        m: 24,
        efConstruction: 300,
        profile: 2,
      } as const;
      const db = await stores.create(options);
      await db.insert('a', [1, 2, 3, 4, 5, 6, 7], { a: 1 });
      const fileId = await db.fileId();
      await db.close();
      for (const again of [await stores.open(), await stores.openReadonly()]) {
        expect(await again.dimension()).toBe(7);
        expect(again.metric()).toBe('dotproduct');
        expect(again.indexStats()).toMatchObject({
          m: 24,
          efConstruction: 300,
          layers: 0,
          indexedVectors: 0,
        });
        expect(await again.status()).toMatchObject({ totalVectors: 1, profileId: 2 });
        expect(await again.fileId()).toBe(fileId);
        expect((await again.query([1, 0, 0, 0, 0, 0, 0], 1))[0]).toMatchObject({
          distance: -1,
          metadata: { a: 1 },
        });
      }
    });

    test('file and parent are 32 hex digits, and a root has neither parent nor depth', async () => {
      const db = await stores.create();
      expect(await db.fileId()).toMatch(/^[0-9a-f]{32}$/);
      expect(await db.parentId()).toBe('0'.repeat(32));
      expect(await db.lineageDepth()).toBe(0);
    });

    test('dimension is another name for dimensions', async () => {
      const db = await host.create(':memory:', { dimension: 3 } as never);
      expect(await db.dimension()).toBe(3);
      await db.close();
      const same = await host.create(':memory:', { dimensions: 3, dimension: 3 });
      await same.close();
    });

    test('stores in memory are independent and touch no disk', async () => {
      const [one, other] = [
        await host.create(':memory:', { dimensions: 4 }),
        await host.create(':memory:', { dimensions: 4 }),
      ];
      await one.insert('a', [1, 0, 0, 0]);
      expect(await other.count()).toBe(0);
      expect(existsSync(':memory:')).toBe(false);
      await Promise.all([one.close(), other.close()]);
    });

    test('status and segments describe the store', async () => {
      const db = await stores.create();
      await db.insert('a', [1, 0, 0, 0]);
      const status = await db.status();
      expect(status).toMatchObject({
        totalVectors: 1,
        compactionState: 'idle',
        readOnly: false,
        poisoned: false,
      });
      expect(status.fileSizeBytes).toBeGreaterThan(0);
      const segments = await db.segments();
      expect(segments).toHaveLength(status.totalSegments);
      expect(Object.keys(segments[0] ?? {}).sort()).toEqual(['id', 'offset', 'payloadLength', 'segType']);
    });

    test('compact keeps every live entry', async () => {
      const db = await stores.create();
      const ids = Array.from({ length: 500 }, (_, index) => `${index}`);
      await db.ingestBatch(ids.map((id) => ({ id, vector: [Number(id), 1, 2, 3], metadata: { id } })));
      await db.delete(ids.filter((id) => Number(id) % 2 === 0));
      const before = await db.query([100, 1, 2, 3], 50);
      expect(await db.compact()).toMatchObject({
        bytesReclaimed: expect.any(Number),
        epoch: expect.any(Number),
      });
      expect(await db.query([100, 1, 2, 3], 50)).toEqual(before);
      expect(await db.count()).toBe(250);
    });

    test('verify finds nothing in a sound store', async () => {
      const db = await stores.create();
      await db.ingestBatch([entry]);
      const result = await db.verify();
      expect(result).toMatchObject({ valid: true, problems: [] });
      expect(result.bytes).toBeGreaterThan(0);
    });

    test('a backup is a store with the entries of its moment', async () => {
      const db = await stores.create();
      await db.ingestBatch([entry]);
      await db.backup(stores.path('copy.rvf'));
      await db.insert('b', [0, 0, 0, 1]);
      const copy = await stores.open({}, 'copy.rvf');
      expect(await copy.get(['a', 'b'])).toEqual([{ id: 'a', metadata: { a: 1 } }]);
      await copy.insert('c', [0, 0, 0, 1]);
      expect(await db.has('c')).toBe(false);
    });

    test('exported bytes open again, to read and to write', async () => {
      const db = await stores.create();
      await db.ingestBatch([entry]);
      const bytes = await db.exportBytes();
      const copy = await stores.openBytes(bytes);
      expect(await copy.get(['a'], { includeVectors: true })).toEqual([
        { ...entry, vector: Float32Array.of(1, 0, 0, 0) },
      ]);
      await copy.insert('b', [0, 0, 0, 1]);
      expect(await db.count()).toBe(1);
      const reader = await stores.openBytes(bytes, { readOnly: true });
      await expectRejection(reader.insert('b', [0, 0, 0, 1]), 'ReadOnly');
    });

    test('freeze makes everything durable and answers the epoch at once', async () => {
      const db = await stores.create({ durability: 'none' });
      const { epoch } = await db.insert('a', [1, 0, 0, 0]);
      expect(db.freeze()).toBe(epoch);
    });

    test('a reader refuses writes, each with ReadOnly', async () => {
      await (await stores.create()).close();
      const db = await stores.openReadonly();
      expect((await db.status()).readOnly).toBe(true);
      await expectRejection(db.ingestBatch([entry]), 'ReadOnly', 'RvfDatabase.open');
      await expectRejection(db.ingestBatch([]), 'ReadOnly');
      await expectRejection(db.delete(['a']), 'ReadOnly');
      await expectRejection(db.compact(), 'ReadOnly');
      await expectRejection(db.waitForIndex(), 'ReadOnly', 'RvfDatabase.open');
      expectFailure(
        thrown(() => db.ingestBatchSync([entry])),
        'ReadOnly',
      );
      expectFailure(
        thrown(() => db.deleteSync(['a'])),
        'ReadOnly',
      );
      expectFailure(
        thrown(() => db.freeze()),
        'ReadOnly',
      );
    });

    test('creating over a store fails with AlreadyExists and leaves it alone', async () => {
      const db = await stores.create();
      await db.ingestBatch([entry]);
      await expectRejection(stores.create(), 'AlreadyExists');
      await db.close();
      await expectRejection(stores.create(), 'AlreadyExists');
      expect(await (await stores.open()).count()).toBe(1);
    });

    test('a second writer is refused with LockHeld until the first has closed', async () => {
      const db = await stores.create();
      await expectRejection(stores.open(), 'LockHeld');
      await db.close();
      expect(await (await stores.open()).count()).toBe(0);
    });

    test('opening what is not there fails with IoError', async () => {
      await expectRejection(stores.open(), 'IoError');
      await expectRejection(stores.openReadonly(), 'IoError');
    });
  });
}
