import type { RvfDatabase, RvfTieringOptions } from '@ruvector/rvf';
import { describe, expect, test } from 'vitest';
import { readEntries } from '../../examples/quickstart/sample.mjs';
import { expectRejection } from '../support/failures.js';
import { type Host, useStores } from '../support/host.js';
import { relativeError } from './compression.js';

const STORED = 2_000;
const HOT = 150;
const COLDS: RvfTieringOptions['cold'][] = ['product', 'binary', 'scalar4'];

const WRONG: [unknown, unknown, string][] = [
  ['scalar', { hotShare: 0.009 }, '0.01 to 0.5'],
  ['scalar', { hotShare: 0.51 }, '0.01 to 0.5'],
  ['scalar', { hotShare: '0.1' }, '0.01 to 0.5'],
  ['scalar', { hotShare: Number.NaN }, '0.01 to 0.5'],
  ['scalar', { cold: 'ice' }, 'scalar4, product, binary'],
  ['scalar', { warm: 1 }, 'warm'],
  ['scalar', true, 'must be an object'],
  ['none', {}, 'scalar'],
  ['product', {}, 'scalar'],
  [{ type: 'scalar', bits: 4 }, {}, 'scalar'],
];

/** What stores with `tiering` make of what is asked for. */
export function tieringBehaviour(host: Host): void {
  describe.runIf(host.hasFiles)('with tiering', () => {
    const stores = useStores(host);
    const { dimensions, entries } = readEntries();
    const stored = entries.slice(0, STORED);
    const hot = stored.slice(300, 300 + HOT);
    const given = new Map(stored.map(({ id, vector }) => [id, vector]));

    async function precise(db: RvfDatabase): Promise<string[]> {
      const rows = [];
      for await (const row of db.iterate({ includeVectors: true })) {
        const vector = row.vector as Float32Array;
        if (relativeError(given.get(row.id) as Float32Array, vector) < 1e-3) {
          rows.push(row.id);
        }
      }
      return rows;
    }

    test.each(COLDS)('what was asked for stays precise, the others become %s', async (cold) => {
      const tiering = { hotShare: 0.075, cold };
      const db = await stores.create({ dimensions, metric: 'cosine', compression: 'scalar', tiering });
      await db.ingestBatch(stored);
      await db.compact();
      const { tiering: before, fileSizeBytes } = await db.status();
      expect(before).toMatchObject({ ...tiering, hotRows: 0, coldRows: 0 });
      expect(await precise(db)).toHaveLength(STORED);
      await db.get(hot.map(({ id }) => id));
      await db.close();
      const again = await stores.open();
      await again.get(hot.map(({ id }) => id));
      await again.compact();
      const status = await again.status();
      expect(status.tiering).toMatchObject({ ...tiering, hotRows: HOT, coldRows: STORED });
      expect(status.tiering?.coldRowBytes).toBeLessThan(status.compression?.rowBytes as number);
      expect(status.tiering?.measured?.recall).toBeGreaterThan(0.3);
      expect(status.fileSizeBytes).toBeLessThan(fileSizeBytes);
      const kept = new Set(await precise(again));
      expect(kept.size).toBe(HOT);
      // An entry may pass for another whose counters it shares.
      expect(hot.filter(({ id }) => !kept.has(id)).length).toBeLessThan(5);
      for (const { id, vector } of hot.filter(({ id }) => kept.has(id)).slice(0, 20)) {
        const [nearest] = await again.query(vector as Float32Array, 1, { quality: 'exact' });
        expect(nearest?.id).toBe(id);
      }
    });

    test('a store without tiering says nothing of it', async () => {
      const db = await stores.create({ dimensions, metric: 'cosine', compression: 'scalar' });
      expect(await db.status()).not.toHaveProperty('tiering');
    });

    test.each(WRONG)('compression %o with tiering %o is refused', async (compression, tiering, text) => {
      const options = { dimensions, metric: 'cosine', compression, tiering } as never;
      await expectRejection(stores.create(options), 'InvalidOptions', text);
    });
  });
}
