import type { RvfDatabase, RvfFilterExpr, RvfProgressOptions } from '@ruvector/rvf';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { expectRejection } from './support/failures.js';
import { referenceHost } from './support/host.js';
import { ReferenceEngine } from './support/reference-engine.js';

const filter: RvfFilterExpr = { op: 'exists', field: 'a' };
const entry = { id: 'a', vector: [1, 0, 0, 0] };

type Calls = [string, (db: RvfDatabase, options: RvfProgressOptions) => Promise<unknown>][];

/** Calls that take a signal, and a time limit that the engine watches. */
const SHORT_CALLS: Calls = [
  ['query', (db, options) => db.query([1, 0, 0, 0], 1, options)],
  ['queryBatch', (db, options) => db.queryBatch([[1, 0, 0, 0]], 1, options)],
  ['count', (db, options) => db.count(filter, options)],
  ['list', (db, options) => db.list({ filter, ...options })],
  ['explain', (db, options) => db.explain([1, 0, 0, 0], 1, options)],
];
/** Calls that take a signal and no time limit. */
const WRITES: Calls = [
  ['deleteByFilter', (db, options) => db.deleteByFilter(filter, options)],
  ['updateMetadata', (db, options) => db.updateMetadata(filter, { a: 1 }, options)],
];
/** Calls that take a signal and a time limit that the SDK watches. */
const TIMED_CALLS: Calls = [['queryByFilter', (db, options) => db.queryByFilter(filter, options)]];
/** Calls that take `onProgress`, too. */
const LONG_CALLS: Calls = [
  ['ingestBatch', (db, options) => db.ingestBatch([entry], options)],
  ['insertBatch', (db, options) => db.insertBatch([entry], options)],
  ['replaceWhere', (db, options) => db.replaceWhere(filter, [entry], options)],
  ['replaceWhere with nothing', (db, options) => db.replaceWhere(filter, [], options)],
  ['waitForIndex', (db, options) => db.waitForIndex(options)],
  ['compact', (db, options) => db.compact(options)],
  ['backup', (db, options) => db.backup('copy.rvf', options)],
  ['verify', (db, options) => db.verify(options)],
];
const CALLS = [...SHORT_CALLS, ...WRITES, ...TIMED_CALLS, ...LONG_CALLS];

describe('stopping and watching calls', () => {
  let engine: ReferenceEngine;
  let db: RvfDatabase;

  beforeEach(async () => {
    engine = new ReferenceEngine();
    db = await referenceHost(engine).create('store.rvf', { dimensions: 4 });
    engine.calls.length = 0;
    return async () => {
      engine.release();
      await db.close();
    };
  });

  test.each(CALLS)('%s: a signal rejects the call with its reason', async (_name, call) => {
    engine.hold();
    const controller = new AbortController();
    const promise = call(db, { signal: controller.signal });
    const reason = new Error('changed my mind');
    controller.abort(reason);
    engine.release();
    await expect(promise).rejects.toBe(reason);
  });

  test('without a reason it is an AbortError, as with fetch', async () => {
    engine.hold();
    const controller = new AbortController();
    const promise = db.query([1, 0, 0, 0], 1, { signal: controller.signal });
    controller.abort();
    engine.release();
    await expect(promise).rejects.toMatchObject({ name: 'AbortError' });
  });

  test.each(CALLS)('%s: a signal that has aborted keeps the call from the engine', async (_name, call) => {
    await expect(call(db, { signal: AbortSignal.abort('no') })).rejects.toBe('no');
    expect(engine.calls).toEqual([]);
  });

  test.each(CALLS)('%s: a signal that comes too late changes nothing', async (_name, call) => {
    const controller = new AbortController();
    await call(db, { signal: controller.signal });
    controller.abort();
    expect(await db.count()).toBeLessThanOrEqual(1);
  });

  test('a call that fails for another reason says that one', async () => {
    const controller = new AbortController();
    vi.spyOn(engine, 'enter').mockImplementation(async () => {
      controller.abort();
      throw new Error('[0302] no space left');
    });
    await expectRejection(
      db.ingestBatch([entry], { signal: controller.signal }),
      'DiskFull',
      'no space left',
    );
  });

  test('no listener stays on the signal', async () => {
    const { signal } = new AbortController();
    const add = vi.spyOn(signal, 'addEventListener');
    const remove = vi.spyOn(signal, 'removeEventListener');
    await db.ingestBatch([entry], { signal });
    expect(add).toHaveBeenCalledTimes(1);
    expect(remove.mock.calls[0]?.slice(0, 2)).toEqual(add.mock.calls[0]?.slice(0, 2));
  });

  test.each([...TIMED_CALLS, ...LONG_CALLS])(
    '%s: timeoutMs rejects the call with Timeout',
    async (_name, call) => {
      engine.hold();
      const promise = call(db, { timeoutMs: 5 });
      setTimeout(() => engine.release(), 40);
      await expectRejection(promise, 'Timeout', '5 ms');
    },
  );

  test.each(LONG_CALLS)('%s: onProgress is told meanwhile and at the end', async (_name, call) => {
    engine.hold();
    const onProgress = vi.fn();
    const promise = call(db, { onProgress });
    await vi.waitFor(() => expect(onProgress).toHaveBeenCalledWith(3, 4));
    const before = onProgress.mock.calls.length;
    engine.release();
    await promise;
    expect(onProgress.mock.calls.length).toBeGreaterThan(before);
    const atEnd = onProgress.mock.calls.length;
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect(onProgress).toHaveBeenCalledTimes(atEnd);
  });

  test('what onProgress throws cancels the call and is its rejection', async () => {
    engine.hold();
    const error = new Error('mine');
    const onProgress = vi.fn(() => {
      setTimeout(() => engine.release(), 10);
      throw error;
    });
    await expect(db.ingestBatch([entry], { onProgress })).rejects.toBe(error);
    expect(onProgress).toHaveBeenCalledTimes(1);
    expect(await db.count()).toBe(0);
  });

  test.each([
    ['timeoutMs', -1],
    ['onProgress', 'loud'],
    ['signal', {}],
    ['misspelt', 1],
  ])('%s = %s is refused by name', async (name, value) => {
    for (const [, call] of LONG_CALLS) {
      await expectRejection(call(db, { [name]: value }), 'InvalidOptions', `options.${name}`);
    }
    expect(engine.calls).toEqual([]);
  });

  test('close reaches the engine after every call has settled and every snapshot is released', async () => {
    await db.ingestBatch([entry, { ...entry, id: 'b' }]);
    const rows = db.iterate({ batchSize: 1 });
    engine.hold();
    const insert = db.insert('c', [0, 0, 0, 0]);
    const row = rows.next();
    const closed = db.close();
    engine.release();
    await Promise.all([insert, row, closed]);
    expect(engine.calls).toEqual(['ingest', 'snapshot', 'ingest', 'rows', 'release', 'close']);
  });

  test('an iteration releases its snapshot once, at its end, by break and by a throw', async () => {
    await db.ingestBatch([entry, { ...entry, id: 'b' }]);
    const releases = () => engine.calls.filter((call) => call === 'release').length;
    for await (const row of db.iterate()) {
      expect(row.id).toBeDefined();
    }
    expect(releases()).toBe(1);
    for await (const _ of db.iterate()) {
      break;
    }
    expect(releases()).toBe(2);
    const failing = async () => {
      for await (const _ of db.iterate()) {
        throw new Error('mine');
      }
    };
    await expect(failing()).rejects.toThrow('mine');
    expect(releases()).toBe(3);
    await db.iterate().return?.();
    expect(releases()).toBe(4);
    await db.close();
    expect(releases()).toBe(4);
  });

  test('metadata that is no JSON any more is InvalidChecksum', async () => {
    await db.ingestBatch([{ ...entry, metadata: 1 }]);
    const file = engine.files.get('store.rvf');
    const row = file?.rows.get('a');
    file?.rows.set('a', { ...(row as NonNullable<typeof row>), metadata: '{' });
    await expectRejection(db.query([1, 0, 0, 0], 1), 'InvalidChecksum', 'verify()');
    await expectRejection(db.get(['a']), 'InvalidChecksum');
  });
});

test('a failing close rejects every time, and the store counts as closed', async () => {
  const engine = new ReferenceEngine();
  const db = await referenceHost(engine).create('store.rvf', { dimensions: 4 });
  vi.spyOn(engine.calls, 'push').mockImplementation(() => {
    throw new Error('[0303] fsync');
  });
  await expectRejection(db.close(), 'FsyncFailed');
  await expectRejection(db.close(), 'FsyncFailed');
  expect(db.isClosed).toBe(true);
});
