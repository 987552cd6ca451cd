import { readdirSync, renameSync, statSync, symlinkSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { answerOf, Child } from './support/child.js';
import { expectFailure, expectRejection, rejection } from './support/failures.js';
import { backendHost, useStores } from './support/host.js';

/** Opens a store for writing, says so, and keeps it open. */
const HOLDER = `const db = await RvfDatabase.open(args[0]);
  console.log('holds', process.pid);
  setInterval(() => {}, 1000);`;

/** Adds fifty entries one by one, waiting for the lock as long as told; prints how many were acknowledged. */
const ADDER = `let acknowledged = 0, code = 0;
  try {
    const db = await RvfDatabase.open(args[0], { busyTimeoutMs: Number(args[2]) });
    for (; acknowledged < 50; acknowledged++) {
      await db.insert(args[1] + acknowledged, [acknowledged, 0, 0, 0]);
    }
    await db.close();
  } catch (error) {
    code = error.code;
  }
  console.log(JSON.stringify({ acknowledged, code, lockHeld: RvfErrorCode.LockHeld }));`;

interface Added {
  acknowledged: number;
  code: number;
  lockHeld: number;
}

/** What the published packages got wrong, in public; the numbers are those of reliability.md, T19. */
describe('failures of the published packages', () => {
  const stores = useStores(backendHost('node'));

  test('1: ids and metadata live in the one file, and moving only that loses nothing', async () => {
    const db = await stores.create({ metric: 'cosine' });
    const metadata = { title: 'first', tags: ['a', 'b'], deep: { year: 2024 } };
    await db.ingestBatch([
      { id: 'a string id', vector: [1, 0, 0, 0], metadata },
      { id: 'other', vector: [0, 1, 0, 0] },
    ]);
    await db.close();
    expect(readdirSync(stores.path('.'))).toEqual(['store.rvf']);
    renameSync(stores.path(), stores.path('moved.rvf'));
    const body = `const db = await RvfDatabase.open(args[0]);
      const hits = await db.query([1, 0, 0, 0], 2);
      console.log(JSON.stringify(hits.map((hit) => [hit.id, hit.metadata ?? 'none'])));
      await db.close();`;
    expect(await answerOf(body, stores.path('moved.rvf'))).toEqual([
      ['a string id', metadata],
      ['other', 'none'],
    ]);
    expect(readdirSync(stores.path('.'))).toEqual(['moved.rvf']);
  });

  test('5: an id deleted and inserted again is there, a thousand times, and after compaction', async () => {
    const db = await stores.create({ durability: 'none' });
    for (let cycle = 0; cycle < 1_000; cycle++) {
      db.ingestBatchSync([{ id: 'a', vector: [cycle, 0, 0, 0], metadata: cycle }]);
      const hits = db.querySync([cycle, 0, 0, 0], 5);
      expect(hits.map((hit) => [hit.id, hit.distance, hit.metadata])).toEqual([['a', 0, cycle]]);
      if (cycle < 999) {
        expect(db.deleteSync(['a']).deleted).toBe(1);
        expect(db.querySync([cycle, 0, 0, 0], 5)).toEqual([]);
      }
    }
    await db.compact();
    expect(await db.get(['a'])).toEqual([{ id: 'a', metadata: 999 }]);
    await db.close();
    const again = await stores.open();
    expect((await again.query([999, 0, 0, 0], 5)).map((hit) => [hit.id, hit.distance])).toEqual([['a', 0]]);
  });

  test.each([0, 60_000])(
    '7: four writers at once, waiting %i ms for each other, lose nothing',
    async (wait) => {
      await (await stores.create()).close();
      const writers = ['a', 'b', 'c', 'd'].map((name) => answerOf(ADDER, stores.path(), name, `${wait}`));
      const results = (await Promise.all(writers)) as Added[];
      for (const { acknowledged, code, lockHeld } of results) {
        expect([acknowledged, code]).toEqual(code === 0 ? [50, 0] : [0, lockHeld]);
      }
      const total = results.reduce((sum, result) => sum + result.acknowledged, 0);
      expect(total).toBeGreaterThanOrEqual(wait === 0 ? 50 : 200);
      expect(await (await stores.open()).count()).toBe(total);
    },
  );

  test('8: creating over a store says AlreadyExists', async () => {
    await (await stores.create()).close();
    await expectRejection(stores.create(), 'AlreadyExists', stores.path());
  });

  test('8: the lock of a killed writer is free at once', async () => {
    await (await stores.create()).close();
    const holder = new Child(HOLDER, stores.path());
    await holder.prints('holds');
    await expectRejection(stores.open(), 'LockHeld', `${holder.process.pid}`);
    await holder.kill();
    const start = Date.now();
    const db = await stores.open();
    expect(Date.now() - start).toBeLessThan(100);
    expect(await db.count()).toBe(0);
  });

  test('8: no way round the lock through a symbolic link', async () => {
    await (await stores.create()).close();
    symlinkSync(stores.path(), stores.path('link.rvf'));
    const holder = new Child(HOLDER, stores.path());
    await holder.prints('holds');
    await expectRejection(stores.open({}, 'link.rvf'), 'LockHeld');
    await holder.kill();
    await (await stores.open({}, 'link.rvf')).insert('a', [1, 0, 0, 0]);
  });

  test('9: a thousand single inserts cost their bytes and 512 each, and the file opens', async () => {
    const db = await stores.create({ dimensions: 384, durability: 'none' });
    const before = statSync(stores.path()).size;
    for (let index = 0; index < 1_000; index++) {
      db.ingestBatchSync([{ id: `id ${index}`, vector: new Float32Array(384).fill(index) }]);
    }
    const growth = (statSync(stores.path()).size - before) / 1_000;
    expect(growth).toBeLessThanOrEqual(384 * 4 + 'id 999'.length + 512);
    await db.close();
    const again = await stores.open();
    expect(await again.count()).toBe(1_000);
    expect((await again.query(new Float32Array(384).fill(500), 1))[0]?.id).toBe('id 500');
  });

  test('9: after 8,150 deletes, one by one, the file opens', async () => {
    const db = await stores.create({ durability: 'none' });
    const ids = Array.from({ length: 8_200 }, (_, index) => `${index}`);
    await db.ingestBatch(ids.map((id) => ({ id, vector: [Number(id), 0, 0, 0] })));
    for (const id of ids.slice(0, 8_150)) {
      db.deleteSync([id]);
    }
    await db.close();
    const again = await stores.open();
    expect(await again.count()).toBe(50);
    expect((await again.query([0, 0, 0, 0], 1))[0]?.id).toBe('8150');
    expect((await again.verify()).valid).toBe(true);
  });

  test('9: a batch of 256 MB opens again', async () => {
    const dimensions = 65_536;
    const vectors = Array.from({ length: 64 }, (_, index) => new Float32Array(dimensions).fill(index));
    const entries = Array.from({ length: 1_024 }, (_, index) => ({
      id: `${index}`,
      vector: vectors[index % 64] as Float32Array,
    }));
    const db = await stores.create({ dimensions });
    expect(await db.ingestBatch(entries)).toMatchObject({ accepted: 1_024 });
    await db.close();
    expect(statSync(stores.path()).size).toBeGreaterThan(256 * 2 ** 20);
    const again = await stores.open();
    expect(await again.count()).toBe(1_024);
    const [row] = await again.get(['1023'], { includeVectors: true });
    expect(row?.vector?.every((value) => value === 63)).toBe(true);
    expect(await again.query(vectors[5] as Float32Array, 3, { quality: 'exact' })).toMatchObject([
      { id: '5' },
      { id: '69' },
      { id: '133' },
    ]);
  });

  test.each(['l2', 'cosine', 'dotproduct', 'hamming'] as const)(
    '11: %s is still the metric after reopening',
    async (metric) => {
      const db = await stores.create({ metric, m: 32, efConstruction: 77 });
      await db.insert('a', [0, 2, 0, 1]);
      const before = await db.query([1, 0, 0, 1], 1);
      await db.close();
      const again = await stores.open();
      expect(again.metric()).toBe(metric);
      expect(again.indexStats()).toMatchObject({ m: 32, efConstruction: 77 });
      expect(await again.query([1, 0, 0, 1], 1)).toEqual(before);
    },
  );

  test('11: what cannot be done yet is refused instead of accepted and ignored', async () => {
    await expectRejection(stores.create({ signing: true }), 'NotSupportedHere', 'signing');
    const db = await stores.create({ embeddingModel: 'one' });
    await expectRejection(db.derive('branch.rvf'), 'NotSupportedHere', 'derive');
    await db.close();
    expectFailure(
      await rejection(stores.open({ embeddingModel: 'other' })),
      'InvalidOptions',
      'embeddingModel',
    );
  });

  test('12: NaN, too many dimensions and numbers as ids are refused', async () => {
    await expectRejection(stores.create({ dimensions: 70_000 }), 'InvalidOptions', '65536');
    const db = await stores.create();
    await expectRejection(db.insert('a', [Number.NaN, 0, 0, 0]), 'InvalidInput', 'element 0');
    await expectRejection(db.query([Number.NaN, 0, 0, 0], 1), 'InvalidInput', 'element 0');
    await expectRejection(db.insert(1.5 as never, [1, 0, 0, 0]), 'InvalidInput', 'entries[0].id');
    expect(await db.count()).toBe(0);
  });

  test('14: what is acknowledged is in the file, though the process is killed', async () => {
    const body = `const db = await RvfDatabase.create(args[0], { dimensions: 4, metric: 'l2' });
      const entries = Array.from({ length: 1000 }, (_, index) => ({ id: 'b' + index, vector: [index, 0, 0, 0] }));
      await db.ingestBatch(entries);
      await Promise.all(Array.from({ length: 100 }, (_, index) => db.insert('i' + index, [index, 1, 0, 0], { index })));
      db.ingestBatchSync([{ id: 'sync', vector: [0, 0, 0, 1] }]);
      await db.delete(['b0']);
      console.log('acknowledged');
      setInterval(() => {}, 1000);`;
    const child = new Child(body, stores.path());
    await child.prints('acknowledged');
    await child.kill();
    const db = await stores.open();
    expect(await db.count()).toBe(1_100);
    expect(await db.get(['b0', 'i99', 'sync'])).toEqual([
      { id: 'i99', metadata: { index: 99 } },
      { id: 'sync' },
    ]);
    expect((await db.verify()).valid).toBe(true);
  });
});
