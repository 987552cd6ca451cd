import { describe, expect, test } from 'vitest';
import { randomNumbers, randomVector } from '../support/brute-force.js';
import { expectRejection } from '../support/failures.js';
import { type Host, useStores } from '../support/host.js';

/** What is stored comes back. */
export function entriesBehaviour(host: Host): void {
  describe('entries', () => {
    const stores = useStores(host);

    test('vectors come back bit for bit, subnormals and -0 included', async () => {
      const db = await stores.create();
      const vector = Float32Array.of(-0, 1e-45, 3.4028235e38, -1.1754944e-38);
      await db.insert('a', vector);
      const [row] = await db.get(['a'], { includeVectors: true });
      expect(row?.vector).toBeInstanceOf(Float32Array);
      expect(new Uint32Array(Float32Array.from(row?.vector ?? []).buffer)).toEqual(
        new Uint32Array(vector.buffer),
      );
    });

    test('a vector may be an array, a Float32Array or a view into a larger one', async () => {
      const db = await stores.create();
      const view = Float32Array.of(9, 9, 1, 2, 3, 4, 9).subarray(2, 6);
      await db.ingestBatch([
        { id: 'array', vector: [1, 2, 3, 4] },
        { id: 'view', vector: view },
      ]);
      const rows = await db.get(['array', 'view'], { includeVectors: true });
      expect(rows.map((row) => [...(row.vector ?? [])])).toEqual([
        [1, 2, 3, 4],
        [1, 2, 3, 4],
      ]);
      const hits = await db.query(view, 1);
      expect(hits[0]?.distance).toBe(0);
    });

    test('the caller may change its vectors as soon as the call has returned', async () => {
      const db = await stores.create();
      const vector = Float32Array.of(1, 0, 0, 0);
      const ingest = db.insert('a', vector);
      vector.fill(7);
      await ingest;
      const query = Float32Array.of(1, 0, 0, 0);
      const hits = db.query(query, 1);
      query.fill(7);
      expect((await hits)[0]?.distance).toBe(0);
    });

    test('rows with their vectors may be changed without touching each other', async () => {
      const db = await stores.create();
      await db.ingestBatch([
        { id: 'a', vector: [1, 1, 1, 1] },
        { id: 'b', vector: [2, 2, 2, 2] },
      ]);
      const [a, b] = await db.get(['a', 'b'], { includeVectors: true });
      const vector = a?.vector ?? new Float32Array();
      structuredClone(vector, { transfer: [vector.buffer as ArrayBuffer] });
      expect(vector).toHaveLength(0);
      expect([...(b?.vector ?? [])]).toEqual([2, 2, 2, 2]);
    });

    const ids = [
      'plain',
      ' ',
      'with\0nul',
      'ünï',
      '漢字',
      '👩‍👩‍👧',
      '\uFEFF',
      '__proto__',
      'constructor',
      'a/b\\..',
      'x'.repeat(1_024),
      'é'.repeat(512),
    ];
    test('ids are any strings of 1 to 1,024 bytes', async () => {
      const db = await stores.create();
      const entries = ids.map((id, index) => ({ id, vector: [index, 0, 0, 0] }));
      expect(await db.ingestBatch(entries)).toMatchObject({ accepted: ids.length, rejected: 0 });
      expect((await db.get(ids)).map((row) => row.id)).toEqual(ids);
      expect((await db.query([0, 0, 0, 0], 100)).map((hit) => hit.id)).toEqual(ids);
      for (const id of ids) {
        expect(await db.has(id)).toBe(true);
      }
    });

    test('an entry of a stored id replaces it, vector and metadata', async () => {
      const db = await stores.create();
      await db.insert('a', [1, 0, 0, 0], { version: 1 });
      await db.insert('a', [0, 1, 0, 0]);
      expect(await db.count()).toBe(1);
      const rows = await db.get(['a'], { includeVectors: true });
      expect(rows).toEqual([{ id: 'a', vector: Float32Array.of(0, 1, 0, 0) }]);
    });

    test('within a batch the last entry of an id wins and all count as accepted', async () => {
      const db = await stores.create();
      const entries = [1, 2, 3].map((value) => ({ id: 'a', vector: [value, 0, 0, 0], metadata: { value } }));
      expect(await db.ingestBatch(entries)).toMatchObject({ accepted: 3, rejected: 0 });
      expect(await db.get(['a'])).toEqual([{ id: 'a', metadata: { value: 3 } }]);
      expect(await db.count()).toBe(1);
    });

    test("onDuplicate 'skip' keeps what is stored and says what it passed over", async () => {
      const db = await stores.create();
      await db.insert('b', [1, 0, 0, 0], 'old');
      const entries = [
        { id: 'x'.repeat(2_000), vector: [1, 0, 0, 0] },
        { id: 'a', vector: [1, 0, 0, 0], metadata: 'new' },
        { id: 'b', vector: [1, 0, 0, 0], metadata: 'new' },
      ];
      const result = await db.ingestBatch(entries, { onDuplicate: 'skip', onInvalid: 'reject' });
      expect(result).toMatchObject({ accepted: 1, rejected: 1, skipped: [2] });
      expect((await db.get(['a', 'b'])).map((row) => row.metadata)).toEqual(['new', 'old']);
    });

    test("onDuplicate 'error' fails the batch and stores nothing of it", async () => {
      const db = await stores.create();
      await db.insert('b', [1, 0, 0, 0]);
      const entries = ['a', 'b'].map((id) => ({ id, vector: [0, 0, 0, 1] }));
      await expectRejection(db.ingestBatch(entries, { onDuplicate: 'error' }), 'AlreadyExists');
      expect(await db.has('a')).toBe(false);
    });

    test('deleting counts what was there, and deleted entries are gone everywhere', async () => {
      const db = await stores.create();
      await db.insertBatch(['a', 'b', 'c'].map((id) => ({ id, vector: [1, 0, 0, 0] })));
      expect(await db.delete(['b', 'nobody', 'c'])).toMatchObject({ deleted: 2 });
      expect(db.deleteSync(['c'])).toMatchObject({ deleted: 0 });
      expect(await db.count()).toBe(1);
      expect(await db.has('b')).toBe(false);
      expect((await db.get(['c', 'b', 'a'])).map((row) => row.id)).toEqual(['a']);
      expect((await db.query([1, 0, 0, 0], 10)).map((hit) => hit.id)).toEqual(['a']);
      expect(await db.delete([])).toMatchObject({ deleted: 0 });
    });

    test('get keeps the order of the ids and passes missing ones over', async () => {
      const db = await stores.create();
      await db.ingestBatch(['a', 'b', 'c'].map((id) => ({ id, vector: [1, 0, 0, 0] })));
      expect((await db.get(['c', 'x', 'a'])).map((row) => row.id)).toEqual(['c', 'a']);
      expect(await db.get([])).toEqual([]);
      expect(await db.get(['x'])).toEqual([]);
    });

    test('the synchronous calls see and do the same as the others', async () => {
      const db = await stores.create();
      expect(db.ingestBatchSync([{ id: 'a', vector: [1, 0, 0, 0], metadata: [1] }])).toMatchObject({
        accepted: 1,
        rejected: 0,
      });
      expect(await db.get(['a'])).toEqual([{ id: 'a', metadata: [1] }]);
      expect(db.querySync([1, 0, 0, 0], 1)).toEqual(await db.query([1, 0, 0, 0], 1));
      expect(db.deleteSync(['a'])).toMatchObject({ deleted: 1 });
      expect(await db.count()).toBe(0);
    });

    test('each commit has a higher epoch, and an empty batch makes none', async () => {
      const db = await stores.create();
      const first = await db.insert('a', [1, 0, 0, 0]);
      const second = await db.insert('b', [1, 0, 0, 0]);
      const third = await db.delete(['a']);
      expect(second.epoch).toBeGreaterThan(first.epoch);
      expect(third.epoch).toBeGreaterThan(second.epoch);
      expect(await db.ingestBatch([])).toEqual({ accepted: 0, rejected: 0, epoch: third.epoch });
      expect((await db.status()).epoch).toBe(third.epoch);
    });

    test('many inserts at once are all stored', async () => {
      const db = await stores.create({ dimensions: 8 });
      const random = randomNumbers(1);
      const inserts = Array.from({ length: 200 }, (_, index) =>
        db.insert(`id ${index}`, randomVector(random, 8), { index }),
      );
      await Promise.all(inserts);
      expect(await db.count()).toBe(200);
      expect((await db.get(['id 137']))[0]?.metadata).toEqual({ index: 137 });
    });
  });
}
