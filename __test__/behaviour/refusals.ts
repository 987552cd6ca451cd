import type { RvfDatabase, RvfOptions, RvfQueryOptions } from '@ruvector/rvf';
import { describe, expect, test } from 'vitest';
import { expectFailure, expectRejection, thrown } from '../support/failures.js';
import { type Host, useStores } from '../support/host.js';

type Refusal = Parameters<typeof expectRejection>[1];

/** Name, vector, code, what the message names. */
const VECTORS: [string, unknown, Refusal, string][] = [
  ['NaN', [1, Number.NaN, 0, 0], 'InvalidInput', 'element 1 is NaN'],
  ['infinity', Float32Array.of(0, 0, Number.POSITIVE_INFINITY, 0), 'InvalidInput', 'element 2 is Infinity'],
  ['minus infinity', [0, 0, 0, Number.NEGATIVE_INFINITY], 'InvalidInput', 'element 3'],
  ['more than a 32-bit float holds', [1e39, 0, 0, 0], 'InvalidInput', 'element 0 is 1e+39'],
  ['too few elements', [1, 2, 3], 'DimensionMismatch', '4'],
  ['too many elements', new Float32Array(5), 'DimensionMismatch', 'has 5 elements'],
  ['no elements', [], 'DimensionMismatch', 'has 0 elements'],
  ['a million elements', new Float32Array(1_000_000), 'DimensionMismatch', '1000000'],
  ['text among numbers', [1, '2', 3, 4], 'InvalidInput', 'element 1 is "2"'],
  ['a hole', Object.assign(Array(4), { 0: 1, 2: 3, 3: 4 }), 'InvalidInput', 'element 1 is undefined'],
  ['BigInt', [1n, 2n, 3n, 4n], 'InvalidInput', 'element 0'],
  ['bytes', new Uint8Array(4), 'InvalidInput', 'Uint8Array'],
  ['a string', '1,2,3,4', 'InvalidInput', 'Float32Array'],
  ['an object', { length: 4 }, 'InvalidInput', 'Float32Array'],
  ['nothing', undefined, 'InvalidInput', 'undefined'],
  ['null', null, 'InvalidInput', 'null'],
];

const IDS: [string, unknown, string][] = [
  ['an empty one', '', 'empty'],
  ['1,025 bytes', 'x'.repeat(1_025), '1024'],
  ['1,026 bytes of two-byte characters', 'é'.repeat(513), '1026'],
  ['64 KiB', 'x'.repeat(65_536), '1024'],
  ['a megabyte', 'x'.repeat(1_000_000), '1024'],
  ['a lone high surrogate', 'a\ud800', 'surrogate'],
  ['a lone low surrogate', '\udc00b', 'surrogate'],
  ['a number', 1.5, '1.5'],
  ['null', null, 'null'],
  ['nothing', undefined, 'undefined'],
  ['an object', { toString: () => 'a' }, 'string'],
];

const METADATA: [string, () => unknown, string][] = [
  ['BigInt', () => ({ a: 1n }), 'BigInt'],
  ['a cycle', cycle, 'cycle'],
  ['a function', () => () => 1, 'function'],
  ['a symbol', () => Symbol('s'), 'symbol'],
  ['33 levels', () => nested(33), '32'],
  ['33 levels behind toJSON', () => ({ toJSON: () => nested(33) }), '32'],
  ['100,000 levels', () => nested(100_000), 'JSON'],
  ['64 KiB and a byte', () => 'x'.repeat(65_535), '65536'],
  ['a megabyte', () => ({ text: 'x'.repeat(1_000_000) }), '65536'],
  [
    'a million keys',
    () => Object.fromEntries(Array.from({ length: 1_000_000 }, (_, key) => [key, 0])),
    '65536',
  ],
  ['64 KiB only as UTF-8', () => '漢'.repeat(22_000), '66002'],
  [
    'a toJSON that throws',
    () => ({
      toJSON: () => {
        throw new Error('mine');
      },
    }),
    'mine',
  ],
];

const KS: [unknown, Refusal][] = [
  [0, 'InvalidInput'],
  [-1, 'InvalidInput'],
  [1.5, 'InvalidInput'],
  [Number.NaN, 'InvalidInput'],
  [Number.POSITIVE_INFINITY, 'InvalidInput'],
  ['5', 'InvalidInput'],
  [undefined, 'InvalidInput'],
  [100_001, 'KTooLarge'],
  [2 ** 31, 'KTooLarge'],
  [2 ** 53, 'KTooLarge'],
];

const QUERY_OPTIONS: [string, unknown, Refusal][] = [
  ['efSearch', 0, 'InvalidOptions'],
  ['efSearch', 1.5, 'InvalidOptions'],
  ['efSearch', '10', 'InvalidOptions'],
  ['efSearch', -1, 'InvalidOptions'],
  ['efSearch', Number.NaN, 'InvalidOptions'],
  ['efSearch', 100_001, 'InvalidOptions'],
  ['quality', 'best', 'InvalidOptions'],
  ['quality', 'standard', 'InvalidOptions'],
  ['quality', '__proto__', 'InvalidOptions'],
  ['quality', 0, 'InvalidOptions'],
  ['quality', null, 'InvalidOptions'],
  ['minScore', Number.NaN, 'InvalidOptions'],
  ['maxDistance', '1', 'InvalidOptions'],
  ['includeMetadata', 1, 'InvalidOptions'],
  ['includeVectors', 'yes', 'InvalidOptions'],
  ['timeoutMs', -1, 'InvalidOptions'],
  ['timeoutMs', 2 ** 31, 'InvalidOptions'],
  ['timeoutMs', Number.NaN, 'InvalidOptions'],
  ['signal', {}, 'InvalidOptions'],
  ['misspelt', true, 'InvalidOptions'],
  ['filter', { op: 'like', field: 'a', value: 1 }, 'FilterParseError'],
  ['filter', null, 'FilterParseError'],
  ['explain', 'yes', 'InvalidOptions'],
];

const CREATE_OPTIONS: [string, unknown, Refusal][] = [
  ['dimensions', 0, 'InvalidOptions'],
  ['dimensions', -1, 'InvalidOptions'],
  ['dimensions', 1.5, 'InvalidOptions'],
  ['dimensions', 65_537, 'InvalidOptions'],
  ['dimensions', 70_000, 'InvalidOptions'],
  ['dimensions', '4', 'InvalidOptions'],
  ['dimensions', Number.NaN, 'InvalidOptions'],
  ['dimensions', undefined, 'InvalidOptions'],
  ['dimension', 5, 'InvalidOptions'],
  ['metric', 'euclid', 'InvalidOptions'],
  ['metric', '__proto__', 'InvalidOptions'],
  ['metric', 1, 'InvalidOptions'],
  ['profile', 4, 'InvalidOptions'],
  ['m', 1, 'InvalidOptions'],
  ['efConstruction', 0, 'InvalidOptions'],
  ['durability', 'sometimes', 'InvalidOptions'],
  ['embeddingModel', '', 'InvalidOptions'],
  ['embeddingModel', 'x'.repeat(257), 'InvalidOptions'],
  ['busyTimeoutMs', -1, 'InvalidOptions'],
  ['compression', 'zip', 'InvalidOptions'],
  ['signing', 'yes', 'InvalidOptions'],
  ['metrics', 'cosine', 'InvalidOptions'],
  ['signing', true, 'NotSupportedHere'],
];

function nested(levels: number): unknown {
  let value: unknown = [];
  for (let level = 1; level < levels; level++) {
    value = [value];
  }
  return value;
}

function cycle(): unknown {
  const value: { self?: unknown } = {};
  value.self = value;
  return value;
}

/** What is wrong is refused with a code and by name, and nothing of it is stored. */
export function refusalsBehaviour(host: Host): void {
  describe('refusals', () => {
    const stores = useStores(host);

    /** Makes a call with a bad entry among good ones: alone, rejecting it, and synchronously. */
    async function refusesEntry(bad: object, code: Refusal, part: string, named: string): Promise<void> {
      const db = await stores.create();
      const batch = [
        { id: 'good', vector: [1, 0, 0, 0] },
        bad,
        { id: 'fine', vector: [1, 0, 0, 0] },
      ] as never[];
      await expectRejection(db.ingestBatch(batch), code, `entries[1].${part}`, named);
      expectFailure(
        thrown(() => db.ingestBatchSync(batch)),
        code,
        `entries[1].${part}`,
        named,
      );
      expect(await db.count()).toBe(0);
      const result = await db.ingestBatch(batch, { onInvalid: 'reject' });
      expect(result).toMatchObject({ accepted: 2, rejected: 1 });
      expect(result.rejections).toMatchObject([{ index: 1, message: expect.stringContaining(named) }]);
      expect((await db.query([1, 0, 0, 0], 9)).map((hit) => hit.id)).toEqual(['good', 'fine']);
    }

    test.each(VECTORS)('a vector of %s', async (_name, vector, code, named) => {
      await refusesEntry({ id: 'bad', vector }, code, 'vector', named);
      const db = await stores.create({}, 'query.rvf');
      await expectRejection(db.query(vector as never, 1), code, 'vector', named);
      expectFailure(
        thrown(() => db.querySync(vector as never, 1)),
        code,
        'vector',
        named,
      );
      await expectRejection(db.queryBatch([[1, 2, 3, 4], vector] as never, 1), code, 'vectors[1]', named);
    });

    test.each(IDS)('an id that is %s', async (_name, id, named) => {
      await refusesEntry({ id, vector: [1, 0, 0, 0] }, 'InvalidInput', 'id', named);
      const db = await stores.create({}, 'ids.rvf');
      await expectRejection(db.get(['a', id] as never), 'InvalidInput', 'ids[1]', named);
      await expectRejection(db.delete(['a', id] as never), 'InvalidInput', 'ids[1]', named);
      await expectRejection(db.has(id as never), 'InvalidInput', 'id', named);
    });

    test.each(METADATA)('metadata that is %s', async (_name, make, named) => {
      await refusesEntry(
        { id: 'bad', vector: [1, 0, 0, 0], metadata: make() },
        'InvalidInput',
        'metadata',
        named,
      );
      expect(Object.keys(Object.prototype)).toEqual([]);
    });

    test.each([null, undefined, 'a', 7])('an entry, and a batch, that is %s', async (value) => {
      const db = await stores.create();
      await expectRejection(db.ingestBatch([value] as never), 'InvalidInput', 'entries[0]');
      await expectRejection(db.ingestBatch(value as never), 'InvalidInput', 'entries must be an array');
      await expectRejection(db.get(value as never), 'InvalidInput', 'ids must be an array');
    });

    test.each(KS)('k = %s', async (k, code) => {
      const db = await stores.create();
      await expectRejection(db.query([1, 0, 0, 0], k as never), code, 'k ', '100000');
      expectFailure(
        thrown(() => db.querySync([1, 0, 0, 0], k as never)),
        code,
        'k ',
      );
      await expectRejection(db.queryBatch([[1, 0, 0, 0]], k as never), code, 'k ');
    });

    test.each(QUERY_OPTIONS)('a query with %s = %s', async (name, value, code) => {
      const db = await stores.create();
      const options = { [name]: value } as RvfQueryOptions;
      await expectRejection(db.query([1, 0, 0, 0], 1, options), code, `options.${name}`);
      await expectRejection(db.queryBatch([[1, 0, 0, 0]], 1, options), code, `options.${name}`);
      expectFailure(
        thrown(() => db.querySync([1, 0, 0, 0], 1, options)),
        name === 'signal' ? 'InvalidOptions' : code,
      );
    });

    test.each(CREATE_OPTIONS)('creating with %s = %s', async (name, value, code) => {
      const options = { dimensions: 4, [name]: value } as RvfOptions;
      await expectRejection(host.create(stores.path(), options), code, 'options.');
      await (await stores.create()).close();
    });

    test.each([
      ['busyTimeoutMs', -1],
      ['mapping', 'yes'],
      ['durability', 'never'],
      ['metric', 'l2'],
    ])('opening with %s = %s', async (name, value) => {
      await (await stores.create()).close();
      await expectRejection(stores.open({ [name]: value } as never), 'InvalidOptions', `options.${name}`);
    });

    test.each(['', 'a\0b', 'a\ud800', undefined, 7])('a path that is %j', async (path) => {
      await expectRejection(host.create(path as never, { dimensions: 4 }), 'InvalidInput', 'path');
      await expectRejection(host.open(path as never), 'InvalidInput', 'path');
      const db = await stores.create();
      await expectRejection(db.backup(path as never), 'InvalidInput', 'path');
    });

    test('packed bits of the wrong length, or behind the last bit', async () => {
      const db = await stores.create({ dimensions: 10, metric: 'hamming' });
      await expectRejection(db.insert('a', new Uint8Array(10)), 'DimensionMismatch', '2 bytes');
      await expectRejection(db.insert('a', Uint8Array.of(0, 0b100)), 'InvalidInput', 'bit 9');
      await expectRejection(db.queryBatch(Uint8Array.of(0, 0, 0, 0b100), 1), 'InvalidInput', 'vectors[1]');
      await expectRejection(db.insert('a', Array(10).fill(Number.NaN)), 'InvalidInput', 'element 0');
    });

    test('queries that are no whole number of vectors', async () => {
      const db = await stores.create();
      await expectRejection(db.queryBatch(new Float32Array(6), 1), 'DimensionMismatch', 'vectors', '6');
      await expectRejection(db.queryBatch(7 as never, 1), 'InvalidInput', 'vectors');
      await expectRejection(
        db.queryBatch(Float32Array.of(1, 2, 3, Number.NaN), 1),
        'InvalidInput',
        'element 3',
      );
    });

    const later: [string, (db: RvfDatabase) => Promise<unknown>][] = [
      ['derive', (db) => db.derive(stores.path('child.rvf'))],
      ['embedKernel', (db) => db.embedKernel(0, 0, 0, new Uint8Array(1), 0)],
      ['extractKernel', (db) => db.extractKernel()],
      ['embedEbpf', (db) => db.embedEbpf(0, 0, 1, new Uint8Array(1))],
      ['extractEbpf', (db) => db.extractEbpf()],
    ];
    test.each(later)('%s is not there yet and says so', async (name, call) => {
      await expectRejection(call(await stores.create()), 'NotSupportedHere', name, 'later version');
    });

    test('verifyWitness is not there yet and throws at once', async () => {
      const db = await stores.create();
      expectFailure(
        thrown(() => db.verifyWitness()),
        'NotSupportedHere',
        'verify()',
      );
    });
  });
}
