import { describe, expect, test } from 'vitest';
import { expectFailure, rejection, thrown } from '../support/failures.js';
import { type Host, useStores } from '../support/host.js';

const IDS = Array.from({ length: 25 }, (_, index) => `id ${index}`);

/** `iterate` goes over the entries of one moment. */
export function iterationBehaviour(host: Host): void {
  describe('iteration', () => {
    const stores = useStores(host);

    async function filled() {
      const db = await stores.create();
      await db.ingestBatch(IDS.map((id, index) => ({ id, vector: [index, 0, 0, 0], metadata: { index } })));
      return db;
    }

    async function idsOf(rows: AsyncIterable<{ id: string }>): Promise<string[]> {
      const ids: string[] = [];
      for await (const row of rows) {
        ids.push(row.id);
      }
      return ids;
    }

    test.each([1, 7, 25, 1_000])('in batches of %i every entry comes once', async (batchSize) => {
      const db = await filled();
      expect(await idsOf(db.iterate({ batchSize }))).toEqual(IDS);
    });

    test('rows have metadata, and vectors where asked for', async () => {
      const db = await filled();
      const first = await db.iterate().next();
      expect(first).toEqual({ done: false, value: { id: 'id 0', metadata: { index: 0 } } });
      for await (const row of db.iterate({ includeVectors: true, batchSize: 4 })) {
        expect((row.vector as Float32Array)[0]).toBe((row.metadata as { index: number }).index);
      }
    });

    test('an empty store has no rows', async () => {
      const db = await stores.create();
      expect(await idsOf(db.iterate())).toEqual([]);
    });

    test('what is written after the call is not seen', async () => {
      const db = await filled();
      const rows = db.iterate({ batchSize: 3, includeVectors: true });
      await db.delete(['id 0', 'id 24']);
      await db.insert('late', [0, 0, 0, 0]);
      await db.insert('id 5', [99, 0, 0, 0], 'changed');
      const seen: string[] = [];
      for await (const row of rows) {
        seen.push(row.id);
        if (row.id === 'id 5') {
          expect(row).toMatchObject({ metadata: { index: 5 }, vector: Float32Array.of(5, 0, 0, 0) });
        }
        if (row.id === 'id 10') {
          await db.delete(IDS);
          await db.compact();
        }
      }
      expect(seen).toEqual(IDS);
      expect(await idsOf(db.iterate())).toEqual(['late']);
    });

    test('several iterations and calls to next at once do not disturb each other', async () => {
      const db = await filled();
      const rows = db.iterate({ batchSize: 2 });
      const asked = IDS.map(() => rows.next());
      const other = idsOf(db.iterate({ batchSize: 3 }));
      expect((await Promise.all(asked)).map((result) => result.value?.id)).toEqual(IDS);
      expect(await other).toEqual(IDS);
      expect(await rows.next()).toEqual({ done: true, value: undefined });
    });

    test('after break the iteration is over', async () => {
      const db = await filled();
      const rows = db.iterate({ batchSize: 2 });
      for await (const _ of rows) {
        break;
      }
      expect(await rows.next()).toEqual({ done: true, value: undefined });
    });

    test('close ends iterations with StoreClosed', async () => {
      const db = await filled();
      const begun = db.iterate({ batchSize: 4 });
      const unbegun = db.iterate();
      await begun.next();
      await db.close();
      expectFailure(await rejection(begun.next()), 'StoreClosed');
      expectFailure(await rejection(unbegun.next()), 'StoreClosed');
      expectFailure(
        thrown(() => db.iterate()),
        'StoreClosed',
      );
    });
  });
}
