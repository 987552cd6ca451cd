import { readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { RvfIngestEntry, RvfMetadata } from '@ruvector/rvf';
import { describe, expect, test } from 'vitest';
import { randomNumbers } from './support/brute-force.js';
import { answerOf, Child } from './support/child.js';
import { backendHost, useStores } from './support/host.js';
import { matches } from './support/plain-filter.js';
import { patchMetadata } from './support/plain-patch.js';
import { randomDocuments, randomFilter } from './support/random-filters.js';

const descriptors = () => readdirSync('/proc/self/fd').length;

/** What each worker thread does with a store of its own and with one that all of them read. */
const WORKER = `
  const { parentPort, workerData } = require('node:worker_threads');
  import(workerData.sdk).then(async ({ RvfDatabase }) => {
    const own = await RvfDatabase.create(':memory:', { dimensions: 16, metric: 'l2' });
    const shared = await RvfDatabase.openReadonly(workerData.path);
    let found = 0;
    for (let round = 0; round < 50; round++) {
      const vector = new Float32Array(16).fill(round);
      await own.ingestBatch([{ id: 'r' + round, vector, metadata: { round } }]);
      const [mine] = await own.query(vector, 1);
      const [theirs] = shared.querySync(vector, 1);
      found += mine.metadata.round === round && theirs.id === 'id ' + round ? 1 : 0;
    }
    parentPort.postMessage(found);
    if (workerData.close) {
      await Promise.all([own.close(), shared.close()]);
    } else {
      // Ends with calls in flight and stores open.
      own.query(new Float32Array(16), 5);
      own.insert('late', new Float32Array(16));
      process.exit(0);
    }
  });
`;

describe('processes and threads', () => {
  const stores = useStores(backendHost('node'));

  async function filled(count = 100) {
    const db = await stores.create({ dimensions: 16 });
    const entries = Array.from({ length: count }, (_, index) => ({
      id: `id ${index}`,
      vector: new Float32Array(16).fill(index),
      metadata: { index, text: 'ünï 👍' },
    }));
    await db.ingestBatch(entries);
    return db;
  }

  test('a new process finds what this one has written', async () => {
    await (await filled()).close();
    const body = `const db = await RvfDatabase.open(args[0]);
      const [row] = await db.get(['id 42'], { includeVectors: true });
      const [hit] = await db.query(new Float32Array(16).fill(7), 1);
      console.log(JSON.stringify([await db.count(), db.metric(), row.metadata, [...row.vector], hit.id, hit.metadata]));
      await db.close();`;
    const expected = [
      100,
      'l2',
      { index: 42, text: 'ünï 👍' },
      Array(16).fill(42),
      'id 7',
      { index: 7, text: 'ünï 👍' },
    ];
    expect(await answerOf(body, stores.path())).toEqual(expected);
  });

  test('a reading process filters as a plain filter does, what has no index yet too', {
    timeout: 60_000,
  }, async () => {
    const random = randomNumbers(2_024);
    const contents = new Map<string, unknown>();
    const entriesOf = (count: number): RvfIngestEntry[] =>
      randomDocuments(random, count).map((metadata) => {
        const id = `id ${Math.floor(random() * 900)}`;
        // A replaced entry is stored anew, behind the others.
        contents.delete(id);
        contents.set(id, metadata);
        return { id, vector: [random(), 0, 0, 0], metadata: metadata as RvfMetadata };
      });
    const created = await stores.create();
    await created.ingestBatch(entriesOf(800));
    await created.close();
    // What follows has no checkpoint behind it: the other process finds it in the tail.
    const db = await stores.open();
    await db.ingestBatch(entriesOf(30));
    const doomed = [...contents.keys()].slice(0, 20);
    await db.delete(doomed);
    for (const id of doomed) {
      contents.delete(id);
    }
    const patched = [...contents.keys()].slice(0, 40);
    await db.updateMetadata(patched, { section: 'patched' });
    for (const id of patched) {
      contents.set(id, patchMetadata(contents.get(id), { section: 'patched' }));
    }

    const documents = [...contents.values()];
    const filters = Array.from({ length: 200 }, () => randomFilter(random, documents));
    writeFileSync(stores.path('filters.json'), JSON.stringify(filters));
    const body = `const db = await RvfDatabase.openReadonly(args[0]);
      const { readFileSync } = await import('node:fs');
      const answers = [];
      for (const filter of JSON.parse(readFileSync(args[1], 'utf8'))) {
        const rows = await db.queryByFilter(filter);
        const hits = await db.query([0, 0, 0, 0], 100000, { filter });
        answers.push([await db.count(filter), rows.map(({ id }) => id), hits.map(({ id }) => id).sort()]);
      }
      console.log(JSON.stringify(answers));
      await db.close();`;
    const answers = await answerOf(body, stores.path(), stores.path('filters.json'));
    const expected = filters.map((filter) => {
      const ids = [...contents].filter(([, metadata]) => matches(filter, metadata)).map(([id]) => id);
      return [ids.length, ids, [...ids].sort()];
    });
    expect(answers).toEqual(expected);
    expect(new Set(expected.map(([count]) => count)).size).toBeGreaterThan(20);
  });

  test('a reading process sees later commits after refresh', async () => {
    const db = await filled(1);
    const reader = await stores.openReadonly();
    await db.insert('new', new Float32Array(16));
    expect(await reader.refresh()).toBe(true);
    expect(await reader.has('new')).toBe(true);
    expect(await reader.refresh()).toBe(false);
    await db.compact();
    await db.insert('newer', new Float32Array(16));
    expect(await reader.refresh()).toBe(true);
    expect(await reader.count()).toBe(3);
  });

  test('a process ends by itself after close', async () => {
    const body = `const db = await RvfDatabase.create(args[0], { dimensions: 4, metric: 'l2' });
      await db.insert('a', [1, 2, 3, 4]);
      await db.close();
      console.log('closed');`;
    const child = new Child(body, stores.path());
    await child.prints('closed');
    const start = Date.now();
    expect(await child.ended).toMatchObject({ code: 0, signal: null });
    expect(Date.now() - start).toBeLessThan(2_000);
  });

  test('a process that ends with calls in flight ends well, and the store opens', async () => {
    const body = `const db = await RvfDatabase.create(args[0], { dimensions: 64, metric: 'l2' });
      const batch = (name) => Array.from({ length: 500 }, (_, index) => ({ id: name + index, vector: new Float32Array(64) }));
      await db.ingestBatch(batch('first '));
      for (let round = 0; round < 20; round++) {
        db.ingestBatch(batch(round + ' ')).catch(() => {});
        db.query(new Float32Array(64), 10).catch(() => {});
      }
      db.compact().catch(() => {});
      process.exit(0);`;
    for (let round = 0; round < 5; round++) {
      const name = `exit ${round}.rvf`;
      expect(await new Child(body, stores.path(name)).ended).toMatchObject({ code: 0, signal: null });
      const db = await stores.open({}, name);
      const count = await db.count();
      expect(count).toBeGreaterThanOrEqual(500);
      expect(count % 500).toBe(0);
      expect((await db.verify()).valid).toBe(true);
    }
  });

  test.each([true, false])('eight worker threads at once, closing their stores: %s', async (close) => {
    await (await filled()).close();
    const sdk = fileURLToPath(new URL('../dist/esm/index.js', import.meta.url));
    const workerData = { sdk, path: stores.path(), close };
    const workers = Array.from({ length: 8 }, async () => {
      const worker = new Worker(WORKER, { eval: true, workerData });
      let found = 0;
      worker.on('message', (message: number) => {
        found = message;
      });
      const code = await new Promise<number>((resolve, reject) => {
        worker.on('exit', resolve);
        worker.on('error', reject);
      });
      return [code, found];
    });
    expect(await Promise.all(workers)).toEqual(Array(8).fill([0, 50]));
  });

  test('close during queries and writes lets all of them end', async () => {
    for (let round = 0; round < 20; round++) {
      const name = `round ${round}.rvf`;
      const db = await stores.create({ dimensions: 16 }, name);
      const calls = Array.from({ length: 50 }, (_, index) => [
        db.insert(`id ${index}`, new Float32Array(16).fill(index)),
        db.query(new Float32Array(16), 5),
        db.get([`id ${index}`]),
      ]).flat();
      await db.close();
      await Promise.all(calls);
      expect(await (await stores.open({}, name)).count()).toBe(50);
    }
  });

  test('a thousand times opened and closed leaves no descriptor behind', async () => {
    await (await filled()).close();
    const once = async () => {
      const db = await stores.open();
      await db.query(new Float32Array(16), 1);
      await db.close();
      const reader = await stores.openReadonly();
      await reader.close();
    };
    await once();
    const before = descriptors();
    for (let round = 0; round < 500; round++) {
      await once();
    }
    expect(descriptors()).toBe(before);
  });

  test('failing to open leaves no descriptor behind', async () => {
    await (await filled()).close();
    const writer = await stores.open();
    const before = descriptors();
    for (let round = 0; round < 50; round++) {
      await stores.open().catch(() => undefined);
      await stores.create().catch(() => undefined);
      await stores.openReadonly('missing.rvf').catch(() => undefined);
    }
    expect(descriptors()).toBe(before);
    await writer.close();
  });

  test('aborting at random points never harms the store', async () => {
    const db = await filled(2_000);
    let settled = 0;
    for (let round = 0; round < 100; round++) {
      const controller = new AbortController();
      const { signal } = controller;
      const calls = [
        db.queryBatch(new Float32Array(16 * 50), 10, { signal }),
        db.ingestBatch([{ id: `new ${round}`, vector: new Float32Array(16) }], { signal }),
        db.verify({ signal }),
      ];
      setTimeout(() => controller.abort('enough'), round % 5);
      for (const result of await Promise.allSettled(calls)) {
        expect(result.status === 'fulfilled' || result.reason === 'enough').toBe(true);
        settled++;
      }
    }
    expect(settled).toBe(300);
    expect((await db.verify()).valid).toBe(true);
    await db.insert('after', new Float32Array(16));
    expect(await db.has('after')).toBe(true);
  });

  test('a query that takes too long fails with Timeout', async () => {
    const db = await filled(20_000);
    const queries = new Float32Array(16 * 5_000);
    await expect(db.queryBatch(queries, 10, { timeoutMs: 1 })).rejects.toThrow('[0205] Timeout');
    expect(await db.query(new Float32Array(16), 1, { timeoutMs: 60_000 })).toHaveLength(1);
  });
});
