import type { RvfDatabase, RvfFilterExpr, RvfIngestEntry } from '@ruvector/rvf';
import { describe, expect, test } from 'vitest';
import { idsOf } from '../support/contents.js';
import { expectRejection } from '../support/failures.js';
import { type Host, useStores } from '../support/host.js';

const EVERYTHING: RvfFilterExpr = { op: 'and', exprs: [] };
const EVEN: RvfFilterExpr = { op: 'eq', field: 'even', value: true };
const VECTOR = [1, 0, 0, 0];

/** Metadata, patch, what comes out: the examples of RFC 7386 whose patch is an object, and some of ours. */
const PATCHES: [unknown, object, unknown][] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  [['c'], { a: 'b', c: null }, { a: 'b' }],
  ['text', { a: 1 }, { a: 1 }],
  [undefined, { a: 1, b: null }, { a: 1 }],
  [{ a: 1 }, { a: undefined, b: () => 1, c: new Date(0) }, { a: 1, c: '1970-01-01T00:00:00.000Z' }],
  [{ a: 1, 'a.b': 2 }, { 'a.b': null }, { a: 1 }],
  [{ title: '\ud800', é: '😀' }, { é: 'e' }, { title: '\ud800', é: 'e' }],
];

/** Changing entries by filter. */
export function filterWritesBehaviour(host: Host): void {
  describe('writes by filter', () => {
    const stores = useStores(host);

    async function filled(): Promise<RvfDatabase> {
      const db = await stores.create();
      const entries = Array.from({ length: 10 }, (_, index) => ({
        id: `id ${index}`,
        vector: [index, 0, 0, 0],
        metadata: { index, even: index % 2 === 0 },
      }));
      await db.ingestBatch([...entries, { id: 'bare', vector: [10, 0, 0, 0] }]);
      return db;
    }

    const contents = async (db: RvfDatabase) => db.queryByFilter(EVERYTHING, { includeVectors: true });
    const entry = (id: string, metadata?: object): RvfIngestEntry => ({ id, vector: VECTOR, metadata });

    test('deleteByFilter deletes what fits, and counts it', async () => {
      const db = await filled();
      const { epoch } = await db.status();
      const result = await db.deleteByFilter(EVEN);
      expect(result.deleted).toBe(5);
      expect(result.epoch).toBeGreaterThan(epoch);
      expect(await db.count(EVEN)).toBe(0);
      expect(await db.count()).toBe(6);
      expect(await db.has('id 4')).toBe(false);
      expect(await db.deleteByFilter(EVEN)).toMatchObject({ deleted: 0 });
      expect(await db.deleteByFilter({ op: 'ne', field: 'index', value: 1 })).toMatchObject({ deleted: 5 });
      expect(idsOf(await contents(db))).toEqual(['id 1']);
      expect(await db.deleteByFilter(EVERYTHING)).toMatchObject({ deleted: 1 });
      expect(await db.count()).toBe(0);
    });

    test.each(PATCHES)('%j patched with %j is %j', async (metadata, patch, expected) => {
      const db = await stores.create();
      await db.insert('a', VECTOR, metadata as object);
      await db.insert('other', VECTOR, 'other');
      const isSame = JSON.stringify(metadata) === JSON.stringify(expected);
      expect(await db.updateMetadata(['a'], patch)).toMatchObject({ updated: isSame ? 0 : 1 });
      expect(await db.get(['a', 'other'])).toEqual([
        { id: 'a', metadata: expected },
        { id: 'other', metadata: 'other' },
      ]);
    });

    test('updateMetadata changes what fits, and neither vectors nor order', async () => {
      const db = await filled();
      const before = await contents(db);
      const { updated, epoch } = await db.updateMetadata(EVEN, { even: 'yes', index: null });
      expect(updated).toBe(5);
      expect((await db.status()).epoch).toBe(epoch);
      const isEven = (index: number): boolean => index % 2 === 0 && index < 10;
      expect(await contents(db)).toEqual(
        before.map((row, index) => (isEven(index) ? { ...row, metadata: { even: 'yes' } } : row)),
      );
      expect(await db.count(EVEN)).toBe(0);
      expect(await db.count({ op: 'eq', field: 'even', value: 'yes' })).toBe(5);
      const [hit] = await db.query([4, 0, 0, 0], 1);
      expect(hit).toMatchObject({ id: 'id 4', distance: 0, metadata: { even: 'yes' } });
    });

    test('updateMetadata of ids passes over those that are not stored, and takes each once', async () => {
      const db = await filled();
      const target = ['id 3', 'nobody', 'bare', 'id 3'];
      expect(await db.updateMetadata(target, { seen: true })).toMatchObject({ updated: 2 });
      expect(await db.get(['id 3', 'bare'])).toEqual([
        { id: 'id 3', metadata: { index: 3, even: false, seen: true } },
        { id: 'bare', metadata: { seen: true } },
      ]);
    });

    test('updateMetadata of nothing is no commit', async () => {
      const db = await filled();
      const { epoch } = await db.status();
      for (const target of [[], ['nobody'], { op: 'or', exprs: [] } as RvfFilterExpr]) {
        expect(await db.updateMetadata(target, { a: 1 })).toEqual({ updated: 0, epoch });
      }
      expect((await db.status()).epoch).toBe(epoch);
    });

    test('updateMetadata knows __proto__ and its kind as keys like any other', async () => {
      const db = await stores.create();
      await db.insert('a', VECTOR, JSON.parse('{"__proto__":{"x":1},"constructor":1}') as object);
      await db.updateMetadata(['a'], JSON.parse('{"__proto__":{"y":2},"constructor":null}') as object);
      expect(JSON.stringify((await db.get(['a']))[0]?.metadata)).toBe('{"__proto__":{"x":1,"y":2}}');
      const filter: RvfFilterExpr = { op: 'exists', field: '__proto__' };
      expect(await db.updateMetadata(filter, JSON.parse('{"__proto__":null}') as object)).toMatchObject({
        updated: 1,
      });
      expect(await db.get(['a'])).toEqual([{ id: 'a', metadata: {} }]);
      expect(({} as { y?: number }).y).toBeUndefined();
    });

    test('an update that would bring one entry above the limits changes none', async () => {
      const db = await filled();
      await db.insert('large', VECTOR, { text: 'x'.repeat(60_000) });
      const before = await contents(db);
      await expectRejection(
        db.updateMetadata(EVERYTHING, { more: 'x'.repeat(6_000) }),
        'InvalidInput',
        'large',
      );
      expect(await contents(db)).toEqual(before);
    });

    test('replaceWhere deletes what fits and stores the entries, in one commit', async () => {
      const db = await filled();
      const { epoch } = await db.status();
      const entries = [entry('id 2', { even: 'new' }), entry('id 3', { even: 'new' }), entry('x')];
      const result = await db.replaceWhere(EVEN, entries);
      expect(result).toEqual({ accepted: 3, rejected: 0, deleted: 5, epoch: epoch + 1 });
      const ids = ['id 1', 'id 5', 'id 7', 'id 9', 'bare', 'id 2', 'id 3', 'x'];
      expect(idsOf(await contents(db))).toEqual(ids);
      expect((await db.get(['id 2', 'id 3', 'x'])).map((row) => row.metadata)).toEqual([
        { even: 'new' },
        { even: 'new' },
        undefined,
      ]);
    });

    test('replaceWhere with no entries just deletes', async () => {
      const db = await filled();
      const result = await db.replaceWhere(EVEN, []);
      expect(result).toMatchObject({ accepted: 0, rejected: 0, deleted: 5 });
      expect(await db.count()).toBe(6);
      const again = await db.replaceWhere(EVERYTHING, [{ id: '' } as never], { onInvalid: 'reject' });
      expect(again).toMatchObject({ accepted: 0, rejected: 1, deleted: 6, rejections: [{ index: 0 }] });
    });

    test('replaceWhere that fits nothing just stores', async () => {
      const db = await filled();
      const result = await db.replaceWhere({ op: 'or', exprs: [] }, [entry('x'), entry('id 1')]);
      expect(result).toMatchObject({ accepted: 2, deleted: 0 });
      expect(await db.count()).toBe(12);
    });

    test('replaceWhere with an invalid entry changes nothing, or leaves that out', async () => {
      const db = await filled();
      const before = await contents(db);
      const entries = [entry('x'), { id: 'bad', vector: [1, 2] }, entry('y')];
      await expectRejection(db.replaceWhere(EVEN, entries), 'DimensionMismatch', 'entries[1].vector');
      await expectRejection(db.replaceWhere(EVEN, 'none' as never), 'InvalidInput', 'entries');
      expect(await contents(db)).toEqual(before);
      const result = await db.replaceWhere(EVEN, entries, { onInvalid: 'reject' });
      expect(result).toMatchObject({ accepted: 2, rejected: 1, deleted: 5, rejections: [{ id: 'bad' }] });
      expect(await db.has('y')).toBe(true);
    });

    test("replaceWhere: onDuplicate looks at what the filter leaves, and 'error' changes nothing", async () => {
      const db = await filled();
      const before = await contents(db);
      const entries = [entry('id 2', { fresh: true }), entry('id 3', { fresh: true })];
      await expectRejection(
        db.replaceWhere(EVEN, entries, { onDuplicate: 'error' }),
        'AlreadyExists',
        'id 3',
      );
      expect(await contents(db)).toEqual(before);
      const skipping = await db.replaceWhere(EVEN, entries, { onDuplicate: 'skip' });
      expect(skipping).toMatchObject({ accepted: 1, deleted: 5, skipped: [1] });
      expect((await db.get(['id 2', 'id 3'])).map((row) => row.metadata)).toEqual([
        { fresh: true },
        { index: 3, even: false },
      ]);
      const fresh: RvfFilterExpr = { op: 'exists', field: 'fresh' };
      expect(await db.replaceWhere(fresh, [entry('id 2')], { onDuplicate: 'error' })).toMatchObject({
        deleted: 1,
      });
    });

    test('what is written by filter is there after the store is opened again', async () => {
      const db = await filled();
      await db.updateMetadata(EVEN, { index: { nested: [1] } });
      await db.deleteByFilter({ op: 'eq', field: 'index', value: 1 });
      await db.replaceWhere({ op: 'eq', field: 'index', value: 3 }, [entry('x', { even: true })]);
      const before = await contents(db);
      await db.close();
      const again = await stores.open();
      expect(await contents(again)).toEqual(before);
      expect(await again.count(EVEN)).toBe(6);
    });

    test('a reader refuses them, each with ReadOnly', async () => {
      await (await filled()).close();
      const db = await stores.openReadonly();
      expect(await db.count(EVEN)).toBe(5);
      await expectRejection(db.deleteByFilter(EVEN), 'ReadOnly');
      await expectRejection(db.updateMetadata(['id 1'], {}), 'ReadOnly');
      await expectRejection(db.updateMetadata([], {}), 'ReadOnly');
      await expectRejection(db.replaceWhere(EVEN, []), 'ReadOnly');
    });
  });
}
