import { type RvfBackend, RvfDatabase, type RvfIngestEntry } from '@ruvector/rvf';
import { describe, expect, test, vi } from 'vitest';
import { expectFailure, expectRejection, thrown } from './support/failures.js';

/** A backend with the methods of version 0.2 and nothing else. */
function oldBackend() {
  const calls: unknown[][] = [];
  const answering =
    (name: string, answer: unknown) =>
    async (...given: unknown[]): Promise<never> => {
      calls.push([name, ...given]);
      return answer as never;
    };
  const status = { totalVectors: 3, totalSegments: 1, fileSizeBytes: 1, epoch: 1, profileId: 0 };
  const backend: RvfBackend = {
    create: answering('create', undefined),
    open: answering('open', undefined),
    openReadonly: answering('openReadonly', undefined),
    ingestBatch: answering('ingestBatch', { accepted: 1, rejected: 0, epoch: 2 }),
    query: answering('query', [{ id: 'a', distance: 0.25 }]),
    delete: answering('delete', { deleted: 1, epoch: 3 }),
    deleteByFilter: answering('deleteByFilter', { deleted: 2, epoch: 4 }),
    compact: answering('compact', { segmentsCompacted: 1, bytesReclaimed: 2, epoch: 5 }),
    status: answering('status', { ...status, compactionState: 'idle', deadSpaceRatio: 0, readOnly: false }),
    close: answering('close', undefined),
    fileId: answering('fileId', 'f'),
    parentId: answering('parentId', 'p'),
    lineageDepth: answering('lineageDepth', 1),
    derive: async () => oldBackend().backend,
    embedKernel: answering('embedKernel', 7),
    extractKernel: answering('extractKernel', null),
    embedEbpf: answering('embedEbpf', 8),
    extractEbpf: answering('extractEbpf', null),
    segments: answering('segments', []),
    dimension: answering('dimension', 2),
  };
  return { backend, calls };
}

describe('fromBackend', () => {
  const filter = { op: 'eq', fieldId: 0, value: 1 } as const;

  test('forwards the twenty methods of version 0.2', async () => {
    const { backend, calls } = oldBackend();
    const db = RvfDatabase.fromBackend(backend);
    const entries: RvfIngestEntry[] = [{ id: 'a', vector: [1, 2] }];
    expect(await db.ingestBatch(entries)).toEqual({ accepted: 1, rejected: 0, epoch: 2 });
    expect(await db.query([1, 2], 1, { efSearch: 5, filter })).toEqual([
      { id: 'a', distance: 0.25, score: Number.NaN },
    ]);
    expect(await db.delete(['a'])).toMatchObject({ deleted: 1 });
    expect(await db.deleteByFilter(filter)).toMatchObject({ deleted: 2 });
    expect(await db.count()).toBe(3);
    expect(await db.dimension()).toBe(2);
    expect(await db.embedKernel(1, 2, 3, Uint8Array.of(4), 5, 'six')).toBe(7);
    expect(await (await db.derive('child.rvf')).fileId()).toBe('f');
    await db.close();
    expect(calls).toContainEqual(['query', Float32Array.of(1, 2), 1, { efSearch: 5, filter }]);
    expect(calls).toContainEqual(['embedKernel', 1, 2, 3, Uint8Array.of(4), 5, 'six']);
    expect(calls.at(-1)).toEqual(['close']);
    await expectRejection(db.status(), 'StoreClosed');
  });

  test('refuses what the backend lacks instead of passing it over', async () => {
    const db = RvfDatabase.fromBackend(oldBackend().backend);
    expectFailure(
      thrown(() => db.metric()),
      'NotSupportedHere',
      'metric',
    );
    expectFailure(
      thrown(() => db.querySync([1, 2], 1)),
      'NotSupportedHere',
      'querySync',
    );
    await expectRejection(db.get(['a']), 'NotSupportedHere', 'get');
    await expectRejection(db.verify(), 'NotSupportedHere', 'verify');
    await expectRejection(db.waitForIndex(), 'NotSupportedHere', 'waitForIndex');
    await expectRejection(db.query([1, 2], 1, { minScore: 0 }), 'NotSupportedHere', 'options.minScore');
    await expectRejection(
      db.ingestBatch([], { onInvalid: 'reject' }),
      'NotSupportedHere',
      'options.onInvalid',
    );
    await expectRejection(db.query([1, 2], 1, { explain: true }), 'NotSupportedHere', 'options.explain');
    await expectRejection(db.count(filter), 'NotSupportedHere', 'count');
    await expectRejection(db.count(undefined, { timeoutMs: 5 }), 'NotSupportedHere', 'options.timeoutMs');
    await expectRejection(db.list(), 'NotSupportedHere', 'list');
    await expectRejection(db.queryByFilter(filter), 'NotSupportedHere', 'queryByFilter');
    await expectRejection(db.updateMetadata(['a'], {}), 'NotSupportedHere', 'updateMetadata');
    await expectRejection(db.replaceWhere(filter, []), 'NotSupportedHere', 'replaceWhere');
    await expectRejection(db.changes(0), 'NotSupportedHere', 'changes');
    await expectRejection(db.explain(filter), 'NotSupportedHere', 'explain');
    await expectRejection(db.explain([1, 2], 1), 'NotSupportedHere', 'explainQuery');
    expectFailure(
      thrown(() => db.schema()),
      'NotSupportedHere',
      'schema',
    );
    const signal = AbortSignal.abort();
    await expectRejection(db.deleteByFilter(filter, { signal }), 'NotSupportedHere', 'options.signal');
    await expectRejection(db.compact({ timeoutMs: 5 }), 'NotSupportedHere', 'options.timeoutMs');
  });

  test('passes what is new to a backend that has it, and filters as they are', async () => {
    const given: unknown[][] = [];
    const plan = { strategy: 'scan', exact: true, rows: 1, visited: 1, unindexedRows: 0 } as const;
    const hits = Object.defineProperty([{ id: 'a', distance: 0.25 }], 'plan', { value: plan });
    const names = [
      'waitForIndex',
      'list',
      'queryByFilter',
      'updateMetadata',
      'replaceWhere',
      'changes',
      'explain',
    ] as const;
    const answering = (name: string) =>
      [name, async (...all: unknown[]) => given.push([name, ...all])] as const;
    const methods = Object.fromEntries([...names, 'count', 'explainQuery'].map(answering));
    const more = { querySync: () => hits, schema: () => [{ field: 'a', type: 'string' }] };
    const db = RvfDatabase.fromBackend({ ...oldBackend().backend, ...methods, ...more } as never);
    const odd = { op: 'near', field: 'a' } as never;
    await db.count(odd, { timeoutMs: 5 });
    await db.waitForIndex({ timeoutMs: 5 });
    await db.list({ filter: odd });
    await db.queryByFilter(odd, { limit: 1 });
    await db.updateMetadata(odd, { a: 1 }, {});
    await db.replaceWhere(odd, [], { onInvalid: 'reject' });
    await db.changes(3, { limit: 2 });
    await db.explain(odd);
    await db.explain([1, 2], 3, { filter: odd });
    expect(given).toEqual([
      ['count', odd, { timeoutMs: 5 }],
      ['waitForIndex', { timeoutMs: 5 }],
      ['list', { filter: odd }],
      ['queryByFilter', odd, { limit: 1 }],
      ['updateMetadata', odd, { a: 1 }, {}],
      ['replaceWhere', odd, [], { onInvalid: 'reject' }],
      ['changes', 3, { limit: 2 }],
      ['explain', odd],
      ['explainQuery', [1, 2], 3, { filter: odd }],
    ]);
    expect(db.querySync([1, 2], 1).plan).toEqual(plan);
    expect(db.schema()).toEqual([{ field: 'a', type: 'string' }]);
  });

  test('gives scores where the backend names its metric', async () => {
    const backend = { ...oldBackend().backend, metric: () => 'cosine' as const };
    expect(await RvfDatabase.fromBackend(backend).query([1, 2], 1)).toEqual([
      { id: 'a', distance: 0.25, score: 0.75 },
    ]);
  });

  test('what a backend throws at once is a rejection all the same', async () => {
    const { backend } = oldBackend();
    vi.spyOn(backend, 'delete').mockImplementation(() => {
      throw new Error('mine');
    });
    await expect(RvfDatabase.fromBackend(backend).delete(['a'])).rejects.toThrow('mine');
  });

  test('refuses what is no backend', () => {
    for (const value of [undefined, null, {}, 'node', () => 1]) {
      expectFailure(
        thrown(() => RvfDatabase.fromBackend(value as never)),
        'InvalidInput',
        'RvfBackend',
      );
    }
  });
});
