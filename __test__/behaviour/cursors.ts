import type { RvfDatabase, RvfFilterExpr } from '@ruvector/rvf';
import { describe, expect, test } from 'vitest';
import { expectRejection } from '../support/failures.js';
import { type Host, useStores } from '../support/host.js';

const FILTER: RvfFilterExpr = { op: 'ge', field: 'index', value: 0 };
const OTHER: RvfFilterExpr = { op: 'gt', field: 'index', value: 0 };

/** What is no cursor at all. */
const GARBAGE: [string, unknown][] = [
  ['empty', ''],
  ['a word', 'next'],
  ['of the right length', 'A'.repeat(56)],
  ['of the right length, with padding', `${'A'.repeat(54)}==`],
  ['a megabyte', 'A'.repeat(1_000_000)],
  ['a lone surrogate', `\ud800${'A'.repeat(55)}`],
  ['a number', 7],
  ['null', null],
  ['an object', { toString: () => 'A'.repeat(56) }],
  ['a symbol', Symbol('cursor')],
];

/** A cursor with other numbers in it. */
function forged(cursor: string, at: number, value: number): string {
  const bytes = Buffer.from(cursor, 'base64url');
  bytes.writeDoubleBE(value, at);
  return bytes.toString('base64url');
}

/** Cursors go with what they were made for. */
export function cursorsBehaviour(host: Host): void {
  describe('cursors', () => {
    const stores = useStores(host);

    async function filled(name?: string): Promise<RvfDatabase> {
      const db = await stores.create({}, name);
      const entries = Array.from({ length: 20 }, (_, index) => ({
        id: `id ${index}`,
        vector: [index, 0, 0, 0],
        metadata: { index },
      }));
      await db.ingestBatch(entries);
      return db;
    }

    const listCursor = async (db: RvfDatabase): Promise<string> =>
      (await db.list({ filter: FILTER, limit: 5 })).cursor as string;
    const changesCursor = async (db: RvfDatabase): Promise<string> =>
      (await db.changes(0, { limit: 5 })).cursor as string;

    test('are text for addresses, and stay right when the store is opened again', async () => {
      const db = await filled();
      const cursors = [await listCursor(db), await changesCursor(db)];
      expect(cursors[0]).toMatch(/^[\w-]+$/);
      await db.close();
      const again = await stores.openReadonly();
      expect((await again.list({ filter: FILTER, cursor: cursors[0] })).rows[0]?.id).toBe('id 5');
      expect((await again.changes(0, { cursor: cursors[1] })).upserted[0]?.id).toBe('id 5');
    });

    test('are the same for a filter that is written in another order of its parts', async () => {
      const db = await filled();
      const cursor = await listCursor(db);
      const same: RvfFilterExpr = { value: 0, field: 'index', op: 'ge' };
      expect((await db.list({ filter: same, cursor, limit: 100 })).rows).toHaveLength(15);
    });

    test('of another store, kind, filter or epoch are refused', async () => {
      const [db, other] = [await filled(), await filled('other.rvf')];
      const [list, changes] = [await listCursor(db), await changesCursor(db)];
      const refused = async (call: Promise<unknown>, named: string): Promise<void> =>
        expectRejection(call, 'InvalidInput', 'options.cursor', named);
      await refused(other.list({ filter: FILTER, cursor: list }), 'another store');
      await refused(other.changes(0, { cursor: changes }), 'another store');
      await refused(db.list({ filter: FILTER, cursor: changes }), 'list()');
      await refused(db.changes(0, { cursor: list }), 'changes()');
      await refused(db.list({ filter: OTHER, cursor: list }), 'another filter');
      await refused(db.list({ cursor: list }), 'another filter');
      await refused(db.changes(1, { cursor: changes }), 'since 0');
    });

    test.each(GARBAGE)('that are %s are refused', async (_name, cursor) => {
      const db = await filled();
      const options = { cursor: cursor as string };
      await expectRejection(db.list(options), 'InvalidInput', 'options.cursor');
      await expectRejection(db.changes(0, options), 'InvalidInput', 'options.cursor');
    });

    test('with other numbers in them do no harm', async () => {
      const db = await filled();
      const [list, changes] = [await listCursor(db), await changesCursor(db)];
      for (const value of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 1e300, 2 ** 53]) {
        for (const at of [18, 26, 34]) {
          const page = db.list({ filter: FILTER, cursor: forged(list, at, value) });
          await expectRejection(page, 'InvalidInput', 'options.cursor');
          const changed = db.changes(0, { cursor: forged(changes, at, value) });
          await expectRejection(changed, 'InvalidInput', 'options.cursor');
        }
      }
      for (const value of [19, 20, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]) {
        const answer = await db.list({ filter: FILTER, cursor: forged(list, 26, value) }).catch(String);
        expect(JSON.stringify(answer)).toMatch(value === 19 ? /id 19/ : /^\{"rows":\[\]\}$|InvalidInput/);
      }
    });

    test('from before a compaction are refused, as rows have other places then', async () => {
      const db = await filled();
      const cursor = await listCursor(db);
      await db.delete(['id 2', 'id 7']);
      await db.compact();
      await expectRejection(db.list({ filter: FILTER, cursor }), 'InvalidInput', 'cursor', 'compaction');
    });
  });
}
