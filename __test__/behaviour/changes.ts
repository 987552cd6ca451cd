import type { RvfChanges, RvfDatabase } from '@ruvector/rvf';
import { describe, expect, test } from 'vitest';
import { idsOf } from '../support/contents.js';
import { expectRejection } from '../support/failures.js';
import { type Host, useStores } from '../support/host.js';

/** `changes` answers the difference between two states. */
export function changesBehaviour(host: Host): void {
  describe('changes', () => {
    const stores = useStores(host);

    async function filled(): Promise<RvfDatabase> {
      const db = await stores.create();
      for (const id of ['a', 'b', 'c']) {
        await db.insert(id, [1, 0, 0, 0], { id });
      }
      return db;
    }

    test('since 0 is everything, in the order of the commits', async () => {
      const db = await filled();
      const { upserted, deleted, epoch, cursor } = await db.changes(0);
      expect(upserted).toMatchObject([
        { id: 'a', metadata: { id: 'a' } },
        { id: 'b', metadata: { id: 'b' } },
        { id: 'c', metadata: { id: 'c' } },
      ]);
      const epochs = upserted.map((row) => row.epoch);
      expect(epochs).toEqual([...epochs].sort((a, b) => a - b));
      expect(new Set(epochs).size).toBe(3);
      expect({ deleted, cursor }).toEqual({ deleted: [], cursor: undefined });
      expect(epoch).toBe((await db.status()).epoch);
      expect(epochs.at(-1)).toBe(epoch);
    });

    test('since the last commit is nothing', async () => {
      const db = await filled();
      const { epoch } = await db.status();
      expect(await db.changes(epoch)).toEqual({ upserted: [], deleted: [], epoch });
      const empty = await stores.create({}, 'empty.rvf');
      expect(await empty.changes(0)).toMatchObject({ upserted: [], deleted: [] });
    });

    test('has inserts, updates, replacements and deletions, each id once and as it is now', async () => {
      const db = await filled();
      const since = (await db.status()).epoch;
      await db.updateMetadata(['b'], { changed: true });
      await db.insert('d', [2, 0, 0, 0], 'first');
      await db.insert('d', [3, 0, 0, 0], 'second');
      await db.insert('a', [4, 0, 0, 0]);
      await db.delete(['c']);
      await db.insert('e', [5, 0, 0, 0]);
      await db.delete(['e']);
      const { epoch } = await db.updateMetadata(['b'], { again: 1 });
      const changes = await db.changes(since, { includeVectors: true });
      expect(changes).toMatchObject({ deleted: ['c'], epoch });
      expect(changes.upserted.map(({ epoch: _, ...row }) => row)).toEqual([
        { id: 'd', metadata: 'second', vector: Float32Array.of(3, 0, 0, 0) },
        { id: 'a', vector: Float32Array.of(4, 0, 0, 0) },
        { id: 'b', metadata: { id: 'b', changed: true, again: 1 }, vector: Float32Array.of(1, 0, 0, 0) },
      ]);
      expect(changes.upserted.at(-1)?.epoch).toBe(epoch);
    });

    test('an update that changes nothing is no change', async () => {
      const db = await filled();
      const { epoch } = await db.status();
      expect(await db.updateMetadata(['a'], { id: 'a', missing: null })).toEqual({ updated: 0, epoch });
      expect(await db.changes(epoch)).toEqual({ upserted: [], deleted: [], epoch });
    });

    test('an id that went and came back was changed, and not deleted', async () => {
      const db = await filled();
      const since = (await db.status()).epoch;
      await db.delete(['a']);
      await db.insert('a', [1, 0, 0, 0], { id: 'a' });
      expect(await db.changes(since)).toMatchObject({ upserted: [{ id: 'a' }], deleted: [] });
    });

    test('replaceWhere is one change: what went and what came have one epoch', async () => {
      const db = await filled();
      const since = (await db.status()).epoch;
      const entries = ['b', 'x'].map((id) => ({ id, vector: [9, 0, 0, 0], metadata: 'new' }));
      const { epoch } = await db.replaceWhere({ op: 'in', field: 'id', values: ['a', 'b'] }, entries);
      const upserted = ['b', 'x'].map((id) => ({ id, metadata: 'new', epoch }));
      expect(await db.changes(since)).toEqual({ upserted, deleted: ['a'], epoch });
    });

    test.each([1, 3, 7, 100_000])('pages of %i, with commits between them, miss nothing', async (limit) => {
      const db = await stores.create();
      const ids = Array.from({ length: 20 }, (_, index) => `id ${index}`);
      await db.ingestBatch(ids.map((id) => ({ id, vector: [0, 0, 0, 0], metadata: 0 })));
      const since = (await db.status()).epoch;
      const copy = new Map<string, unknown>(ids.map((id) => [id, 0]));
      const follow = (page: RvfChanges): void => {
        for (const row of page.upserted) {
          copy.set(row.id, row.metadata);
        }
        for (const id of page.deleted) {
          copy.delete(id);
        }
      };
      for (const [index, id] of ids.entries()) {
        await db.insert(id, [0, 0, 0, 0], index + 1);
      }
      let cursor: string | undefined;
      let epoch = since;
      let round = 0;
      do {
        const page = await db.changes(since, { limit, cursor });
        expect(page.upserted.length).toBeLessThanOrEqual(limit);
        expect(page.cursor === undefined || page.deleted.length === 0).toBe(true);
        follow(page);
        epoch = page.epoch;
        cursor = page.cursor;
        if (cursor !== undefined && round++ < 5) {
          await db.insert(`new ${round}`, [0, 0, 0, 0], round);
          await db.delete([`id ${round}`, `id ${19 - round}`]);
          await db.insert(`id ${round + 5}`, [0, 0, 0, 0], -round);
        }
      } while (cursor !== undefined);
      // What was written between the pages comes with the next changes.
      follow(await db.changes(epoch));
      const rows = await db.queryByFilter({ op: 'and', exprs: [] });
      expect(new Map(rows.map((row) => [row.id, row.metadata]))).toEqual(copy);
    });

    test('pages lead to the state of the first one; what is written between them comes with the next changes', async () => {
      const db = await filled();
      const since = (await db.status()).epoch;
      await db.insert('d', [1, 0, 0, 0]);
      const { epoch } = await db.insert('e', [1, 0, 0, 0]);
      const first = await db.changes(since, { limit: 1 });
      await db.delete(['d', 'a']);
      await db.insert('f', [1, 0, 0, 0]);
      const last = await db.changes(since, { cursor: first.cursor, limit: 2 });
      expect([first, last].map((page) => idsOf(page.upserted))).toEqual([['d'], ['e']]);
      expect([first.epoch, last.epoch, last.cursor]).toEqual([epoch, epoch, undefined]);
      expect(last.deleted).toEqual(['a']);
      const next = await db.changes(epoch);
      expect([idsOf(next.upserted), next.deleted.sort()]).toEqual([['f'], ['a', 'd']]);
    });

    test('a compaction between two pages ends the cursor, also of the changes since the beginning', async () => {
      const db = await filled();
      const { cursor } = await db.changes(0, { limit: 1 });
      await db.delete(['a']);
      await db.compact();
      await expectRejection(db.changes(0, { cursor }), 'InvalidInput', 'compaction');
    });

    test('after a compaction older epochs are stale, and going on from then is right', async () => {
      const db = await filled();
      const since = (await db.status()).epoch;
      await db.delete(['a']);
      await db.insert('d', [1, 0, 0, 0]);
      await db.compact();
      await expectRejection(db.changes(since), 'GenerationStale', 'list');
      const { epoch } = await db.status();
      expect(idsOf((await db.changes(0)).upserted).sort()).toEqual(['b', 'c', 'd']);
      await db.delete(['b']);
      await db.updateMetadata(['c'], { n: 1 });
      const changes = await db.changes(epoch);
      expect([idsOf(changes.upserted), changes.deleted]).toEqual([['c'], ['b']]);
    });

    test.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '1', null, undefined, {}])(
      'since %s is refused',
      async (epoch) => {
        const db = await filled();
        await expectRejection(db.changes(epoch as never), 'InvalidInput', 'sinceEpoch');
      },
    );

    test('since a commit that is still to come is refused', async () => {
      const db = await filled();
      const { epoch } = await db.status();
      await expectRejection(db.changes(epoch + 1), 'InvalidInput', 'sinceEpoch');
    });
  });
}
