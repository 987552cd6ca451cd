import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { RvfDatabase } from '@ruvector/rvf';
import { describe, expect, test } from 'vitest';
import { readEntries } from '../examples/quickstart/sample.mjs';
import { expectRejection } from './support/failures.js';
import { backendHost, useStores } from './support/host.js';
import { nearestIds, randomEntries, vectorsOf } from './support/shapes.js';

/** What a worker thread does: indexes a store of its own, and begins to index another as it ends. */
const WORKER = `
  const { parentPort, workerData } = require('node:worker_threads');
  import(workerData.sdk).then(async ({ RvfDatabase }) => {
    const db = await RvfDatabase.create(':memory:', { dimensions: 12 });
    await db.ingestBatch(workerData.entries.slice(0, 500));
    await db.waitForIndex();
    const { strategy } = await db.explain(workerData.entries[0].vector, 1);
    await db.ingestBatch(workerData.entries);
    db.waitForIndex().catch(() => {});
    parentPort.postMessage([db.indexStats().indexedVectors, strategy]);
    process.exit(0);
  });
`;

describe('the graph of the native engine', () => {
  const stores = useStores(backendHost('node'));

  async function filled(count: number): Promise<[RvfDatabase, ReturnType<typeof randomEntries>]> {
    const db = await stores.create({ dimensions: 12 });
    const entries = randomEntries(count);
    await db.ingestBatch(entries);
    return [db, entries];
  }

  test('leads to the nearest, and explain says so and what it does not have yet', async () => {
    const [db, entries] = await filled(900);
    const vector = entries[3]?.vector as Float32Array;
    await db.waitForIndex();
    await db.ingestBatch(randomEntries(25, 6).map((entry) => ({ ...entry, id: `late ${entry.id}` })));
    const plan = await db.explain(vector, 5);
    expect(plan).toMatchObject({ strategy: 'graph', exact: false, rows: 925, unindexedRows: 25 });
    expect(plan.visited).toBeLessThan(925);
    const fast = await db.explain(vector, 5, { quality: 'fast' });
    expect(fast.visited).toBeLessThan(plan.visited);
    expect((await db.query(vector, 5, { explain: true, quality: 'fast' })).plan).toEqual(fast);
    expect((await db.explain(vector, 5, { efSearch: 100 })).visited).toBeGreaterThan(plan.visited);
    const exact = { strategy: 'scan', exact: true, rows: 925, visited: 925, unindexedRows: 0 };
    expect(await db.explain(vector, 5, { quality: 'exact' })).toEqual(exact);
    expect(db.querySync(vector, 5, { explain: true, quality: 'exact' }).plan).toEqual(exact);
  });

  test('is walked with a filter that lets enough through, and not for few', async () => {
    const [db, entries] = await filled(12_000);
    const vector = entries[3]?.vector as Float32Array;
    await db.waitForIndex();
    const strategyWith = async (value: number) =>
      (await db.explain(vector, 5, { filter: { op: 'lt', field: 'row', value } })).strategy;
    const strategies = [await strategyWith(11_000), await strategyWith(2_000), await strategyWith(20)];
    expect(strategies).toEqual(['graph', 'codes', 'matches']);
  });

  test('efSearch wins over quality', async () => {
    const [db, entries] = await filled(900);
    const vector = entries[3]?.vector as Float32Array;
    await db.waitForIndex();
    const alone = await db.explain(vector, 5, { efSearch: 30 });
    expect(await db.explain(vector, 5, { efSearch: 30, quality: 'precise' })).toEqual(alone);
  });

  test('waitForIndex tells how many rows have entered, and at its end all of them', async () => {
    const [db] = await filled(900);
    const told: [number, number][] = [];
    await db.waitForIndex({ onProgress: (done, total) => told.push([done, total]) });
    expect(told.at(-1)).toEqual([900, 900]);
    expect(told.every(([done, total]) => done <= total)).toBe(true);
  });

  test('waitForIndex ends in the middle of its work when it is cancelled', async () => {
    const [db] = await filled(20_000);
    const reason = new Error('changed my mind');
    const controller = new AbortController();
    const waiting = db.waitForIndex({ signal: controller.signal });
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expectRejection(db.waitForIndex({ timeoutMs: 1 }), 'Timeout');
    expect((await db.status()).unindexedRows).toBe(20_000);
    await db.delete(Array.from({ length: 20_000 }, (_, row) => `${row}`));
  });

  test('close ends waitForIndex in the middle of its work', async () => {
    const [db] = await filled(8_000);
    const waiting = expectRejection(db.waitForIndex(), 'StoreClosed');
    await db.close();
    await waiting;
    const again = await stores.open();
    expect(await again.count()).toBe(8_000);
    expect(await nearestIds(again, vectorsOf(randomEntries(8_000)).slice(0, 50))).toEqual(
      Array.from({ length: 50 }, (_, row) => `${row}`),
    );
  });

  test('grows by itself once there are enough rows, while the store is open', async () => {
    const [db] = await filled(3_000);
    while (((await db.status()).unindexedRows ?? 0) > 0) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(db.indexStats().indexedVectors).toBe(3_000);
  });

  test('a long batch ends when its time is over, and when its signal aborts', async () => {
    const { dimensions, entries } = readEntries();
    const db = await stores.create({ dimensions, metric: 'cosine' });
    await db.ingestBatch(entries);
    const vectors = vectorsOf(entries);
    for (const quality of ['exact', 'precise'] as const) {
      await expectRejection(db.queryBatch(vectors, 100, { quality, timeoutMs: 5 }), 'Timeout');
      const controller = new AbortController();
      const asked = db.queryBatch(vectors, 100, { quality, signal: controller.signal });
      setTimeout(() => controller.abort('enough'), 10);
      await expect(asked).rejects.toBe('enough');
      await db.waitForIndex();
    }
  });

  test('worker threads index their stores, and end in the middle of it', async () => {
    const sdk = fileURLToPath(new URL('../dist/esm/index.js', import.meta.url));
    const workerData = { sdk, entries: randomEntries(4_000) };
    const answers = Array.from({ length: 3 }, async () => {
      const worker = new Worker(WORKER, { eval: true, workerData });
      const ended = new Promise((resolve) => worker.on('exit', resolve));
      const answer = await new Promise((resolve, reject) =>
        worker.on('message', resolve).on('error', reject),
      );
      expect(await ended).toBe(0);
      return answer;
    });
    expect(await Promise.all(answers)).toEqual(Array(3).fill([500, 'graph']));
  });
});
