import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RvfDatabase, RvfErrorCode } from '../src-ts/index.js';

describe('small batches of one turn of the event loop', () => {
  let folder: string;
  let db: RvfDatabase;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rvf-group-'));
    db = await RvfDatabase.create(join(folder, 'group.rvf'), { dimensions: 2, metric: 'l2' });
  });

  afterEach(async () => {
    await db.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const entry = (id: string, x = 1) => ({ id, vector: [x, 0], metadata: { x } });

  test('are commits of their own, in the order they were asked for', async () => {
    const calls = Array.from({ length: 100 }, (_, index) => db.ingestBatch([entry(`id-${index}`, index)]));
    const epochs = (await Promise.all(calls)).map((result) => result.epoch);
    expect(epochs).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
    expect(await db.count()).toBe(100);
    expect((await db.get(['id-7']))[0]?.metadata).toEqual({ x: 7 });
  });

  test('that write the same id leave the last one', async () => {
    await Promise.all([
      db.ingestBatch([entry('a', 1)]),
      db.ingestBatch([entry('a', 2)]),
      db.ingestBatch([entry('a', 3)]),
    ]);
    expect(await db.count()).toBe(1);
    expect((await db.get(['a']))[0]?.metadata).toEqual({ x: 3 });
  });

  test('fail alone where an entry is not one', async () => {
    const calls = [
      db.ingestBatch([entry('a')]),
      db.ingestBatch([entry('b'), { id: '', vector: [1, 2] }]),
      db.ingestBatch([entry('c')]),
    ];
    const settled = await Promise.allSettled(calls);
    expect(settled.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((settled[1] as PromiseRejectedResult).reason).toMatchObject({ code: RvfErrorCode.InvalidInput });
    expect((await db.get(['a', 'b', 'c'])).map((row) => row.id)).toEqual(['a', 'c']);
  });

  test('keep what a vector held when they were asked for', async () => {
    const vector = new Float32Array(2);
    const calls = [1, 2, 3].map((x) => {
      vector[0] = x;
      return db.ingestBatch([{ id: `id-${x}`, vector }]);
    });
    await Promise.all(calls);
    const rows = await db.get(['id-1', 'id-2', 'id-3'], { includeVectors: true });
    expect(rows.map((row) => row.vector?.[0])).toEqual([1, 2, 3]);
  });

  test('reach the store before what is called after them', async () => {
    const first = db.ingestBatch([entry('a')]);
    const second = db.ingestBatch([entry('b')]);
    const deleted = db.delete(['a']);
    await Promise.all([first, second]);
    expect((await deleted).deleted).toBe(1);
    const third = db.ingestBatch([entry('c')]);
    expect(db.deleteSync(['c']).deleted).toBe(1);
    await third;
    expect((await db.get(['a', 'b', 'c'])).map((row) => row.id)).toEqual(['b']);
  });

  test('are stored although close is called at once', async () => {
    const path = join(folder, 'closed.rvf');
    const other = await RvfDatabase.create(path, { dimensions: 2, metric: 'l2' });
    const calls = [other.ingestBatch([entry('a')]), other.ingestBatch([entry('b')])];
    await other.close();
    await Promise.all(calls);
    const reopened = await RvfDatabase.open(path);
    expect(await reopened.count()).toBe(2);
    await reopened.close();
  });

  test('of more entries than one group takes are all stored', async () => {
    const calls = Array.from({ length: 3000 }, (_, index) => db.ingestBatch([entry(`id-${index}`, index)]));
    await Promise.all(calls);
    expect(await db.count()).toBe(3000);
  });
});
