import { fromMongo, RvfError, RvfErrorCode, type RvfFilterExpr, type RvfMongoOptions } from '@ruvector/rvf';
import { describe, expect, test } from 'vitest';
import { filterText } from '../src-ts/filter-check.js';
import { randomNumbers } from './support/brute-force.js';
import { matches } from './support/plain-filter.js';
import { randomDocuments } from './support/random-filters.js';

type Fields = Record<string, unknown>;

/** Entries that tell the operators apart; their indexes are what the tests expect. */
const ENTRIES: Fields[] = [
  { section: 'games', size: 1, tags: ['new'], made: '2024-01-01T00:00:00.000Z' },
  { section: 'games', size: 5, tags: ['new', 'hot'], open: true },
  { section: 'news', size: 10, tags: [], made: '2025-01-01T00:00:00.000Z' },
  { section: 'gamma', size: '10', tags: 'new', open: null },
  {},
];

function hits(filter: Fields, options?: RvfMongoOptions): number[] {
  const expr = fromMongo(filter, options);
  filterText('filter', expr);
  return ENTRIES.flatMap((entry, index) => (matches(expr as RvfFilterExpr, entry) ? [index] : []));
}

function refusal(filter: unknown): string {
  try {
    fromMongo(filter as Fields);
  } catch (error) {
    expect(error).toBeInstanceOf(RvfError);
    expect((error as RvfError).code).toBe(RvfErrorCode.FilterParseError);
    return (error as RvfError).message.replace('[0203] FilterParseError: ', '');
  }
  throw new Error('the filter was accepted');
}

describe('operators match what they say', () => {
  test.each<[Fields, number[]]>([
    [{}, [0, 1, 2, 3, 4]],
    [{ section: 'games' }, [0, 1]],
    [{ section: { $eq: 'news' } }, [2]],
    [{ section: { $ne: 'games' } }, [2, 3, 4]],
    [{ size: { $gt: 5 } }, [2]],
    [{ size: { $gte: 5 } }, [1, 2]],
    [{ size: { $ge: 5 } }, [1, 2]],
    [{ size: { $lt: 5 } }, [0]],
    [{ size: { $lte: 5 } }, [0, 1]],
    [{ size: { $le: 5 } }, [0, 1]],
    [{ size: { $gt: '1' } }, [3]],
    [{ size: { $gt: 1, $lt: 10 } }, [1]],
    [{ size: { $range: [1, 10] } }, [0, 1]],
    [{ size: { $in: [1, 10, 'x'] } }, [0, 2]],
    [{ size: { $in: [] } }, []],
    [{ size: { $nin: [1, 10] } }, [1, 3, 4]],
    [{ open: { $exists: true } }, [1, 3]],
    [{ open: { $exists: false } }, [0, 2, 4]],
    [{ open: null }, [0, 2, 3, 4]],
    [{ open: { $ne: null } }, [1]],
    [{ open: { $in: [null, true] } }, [0, 1, 2, 3, 4]],
    [{ open: { $nin: [null] } }, [1]],
    [{ section: { $startsWith: 'gam' } }, [0, 1, 3]],
    [{ tags: { $contains: 'new' } }, [0, 1]],
    [{ tags: { $contains: ['new', 'hot'] } }, [1]],
    [{ tags: { $not_contains: 'hot' } }, [0, 2, 3, 4]],
    [{ tags: { $containsAny: ['hot', 'old'] } }, [1]],
    [{ tags: { $containsAll: ['new', 'hot'] } }, [1]],
    [{ tags: { $all: ['new'] } }, [0, 1]],
    [{ size: { $not: { $gt: 1, $lt: 10 } } }, [0, 2, 3, 4]],
    [{ size: { $not: { $not: { $gt: 1 } } } }, [1, 2]],
    [{ section: 'games', size: { $gt: 1 } }, [1]],
    [{ $and: [{ section: 'games' }, { size: 1 }] }, [0]],
    [{ $or: [{ section: 'news' }, { size: 1, section: 'games' }] }, [0, 2]],
    [{ $nor: [{ section: 'news' }, { size: 1 }] }, [1, 3, 4]],
    [{ $not: { section: 'games' } }, [2, 3, 4]],
    [{ section: 'games', $or: [{ size: 1 }, { open: true }], $not: { size: 5 } }, [0]],
    [{ made: new Date('2024-01-01') }, [0]],
    [{ made: { $gt: new Date('2024-06-01') } }, [2]],
  ])('%j', (filter, expected) => {
    expect(hits(filter)).toEqual(expected);
  });

  test('with matchArrays, equality finds elements too', () => {
    const options = { matchArrays: true };
    expect(hits({ tags: 'new' }, options)).toEqual([0, 1, 3]);
    expect(hits({ tags: { $ne: 'new' } }, options)).toEqual([2, 4]);
    expect(hits({ tags: { $in: ['hot', 'old'] } }, options)).toEqual([1]);
    expect(hits({ tags: { $nin: ['hot'] } }, options)).toEqual([0, 2, 3, 4]);
    expect(hits({ tags: 'new' })).toEqual([3]);
  });

  test('as the plain operators do, on random documents', () => {
    const random = randomNumbers(11);
    const documents = randomDocuments(random, 300);
    const bounds = documents.map((document) => (document as Fields | null | undefined)?.size);
    for (const bound of bounds.filter((size) => typeof size === 'number').slice(0, 50)) {
      const translated = fromMongo({ size: { $gte: bound, $lt: bound + 9 }, section: { $nin: ['news'] } });
      const expected = documents.filter((document) => {
        const { size, section } = Object(document) as Fields;
        return typeof size === 'number' && size >= bound && size < bound + 9 && section !== 'news';
      });
      expect(documents.filter((document) => matches(translated, document))).toEqual(expected);
    }
  });
});

describe('the expression', () => {
  test('has no and around a single condition, and one around several of any kind', () => {
    expect(fromMongo({ status: 'active' })).toEqual({ op: 'eq', field: 'status', value: 'active' });
    expect(fromMongo({ status: 'active', score: { $gt: 0.5, $lt: 5 } })).toEqual({
      op: 'and',
      exprs: [
        { op: 'eq', field: 'status', value: 'active' },
        { op: 'gt', field: 'score', value: 0.5 },
        { op: 'lt', field: 'score', value: 5 },
      ],
    });
  });

  test('refuses what has no keys of its own, since without keys it would match everything', () => {
    const some: unknown[] = [
      Promise.resolve({ a: 1 }),
      new Map([['a', 1]]),
      new Set(),
      new Date(),
      /a/,
      new (class {})(),
    ];
    for (const filter of some) {
      expect(refusal(filter)).toContain('plain object');
    }
    expect(fromMongo(Object.create(null) as Fields)).toEqual({ op: 'and', exprs: [] });
  });

  test('takes keys as literal names, be they hostile', () => {
    const filter = JSON.parse('{"__proto__": 1, "constructor": {"$gt": 2}, "a.b": 3, "": 4}') as Fields;
    const fields = (fromMongo(filter) as unknown as { exprs: { field: string }[] }).exprs.map(
      ({ field }) => field,
    );
    expect(fields).toEqual(['__proto__', 'constructor', 'a.b', '']);
    expect(Object.prototype).not.toHaveProperty('$gt');
  });
});

describe('a refusal names the part and what to do', () => {
  const deep = (levels: number, wrap: (inner: unknown) => unknown): unknown =>
    Array.from({ length: levels }).reduce<unknown>((inner) => wrap(inner), { a: 1 });
  const cyclic: { $and: unknown[] } = { $and: [] };
  cyclic.$and.push(cyclic);

  test.each<[string, unknown, string]>([
    ['no object', 'a', 'filter must be an object as { field: value }, not "a"'],
    ['nothing', undefined, 'filter must be an object'],
    ['a list', [{ a: 1 }], 'filter must be an object'],
    [
      'an unknown operator',
      { a: { $regex: 'x' } },
      'filter.a.$regex is no operator on a field; there are $gt,',
    ],
    ['an inherited operator', { a: { $constructor: 1 } }, 'filter.a.$constructor is no operator on a field'],
    ['an operator among keys', { a: { $gt: 1, b: 2 } }, 'filter.a.b is no operator on a field'],
    [
      'an operator without a field',
      { $gt: 1 },
      'filter.$gt is no operator beside fields; there are $and, $or',
    ],
    ['a script', { $where: 'true' }, 'filter.$where is no operator beside fields'],
    ['null to order by', { a: { $gt: null } }, 'filter.a.$gt must be a string or a number, not null'],
    ['undefined', { a: undefined }, 'filter.a must be a string, a number, a boolean or null, not undefined;'],
    [
      'undefined among values',
      { a: { $in: [1, undefined] } },
      'filter.a.$in[1] must be a string, a number, a boolean or null',
    ],
    [
      'a plain array',
      { a: ['x'] },
      'filter.a must be a string, a number, a boolean or null, not an array; use',
    ],
    ['a nested object', { a: { b: 1 } }, 'filter.a must have operators as { $gt: 1 }, and is an object'],
    ['an empty object', { a: {} }, 'filter.a must have operators'],
    ['a $not of a value', { a: { $not: 1 } }, 'filter.a.$not must have operators'],
    ['an empty $and', { $and: [] }, 'filter.$and is empty'],
    ['an $or that is no list', { $or: { a: 1 } }, 'filter.$or must be an array'],
    ['a part that is no object', { $or: [{ a: 1 }, 2] }, 'filter.$or[1] must be an object'],
    ['a boolean to order by', { a: { $gt: true } }, 'filter.a.$gt must be a string or a number'],
    ['NaN', { a: { $lt: Number.NaN } }, 'filter.a.$lt must be a finite number'],
    ['a date that is none', { a: new Date(Number.NaN) }, 'filter.a must be a finite number, not NaN'],
    ['one bound', { a: { $range: [1] } }, 'filter.a.$range[1] must be a string or a number, not undefined'],
    ['three bounds', { a: { $range: [1, 2, 3] } }, 'filter.a.$range has 3 elements; it takes [low, high]'],
    [
      'bounds of two types',
      { a: { $range: [1, 'x'] } },
      'filter.a.$range[1] is a string though low is a number',
    ],
    ['a number for $exists', { a: { $exists: 1 } }, 'filter.a.$exists must be true or false, not 1'],
    ['a lone surrogate', { '\ud800': 1 }, 'filter["\\ud800"] names a field with a lone surrogate'],
    ['10,000 levels of $not', deep(10_000, (inner) => ({ $not: inner })), 'filter.$not.$not'],
    ['10,000 levels of $and', deep(10_000, (inner) => ({ $and: [inner] })), 'filter.$and[0].$and[0]'],
    ['10,000 levels of a field', { a: deep(10_000, (inner) => ({ $not: inner })) }, 'filter.a.$not.$not'],
    ['itself', cyclic, 'filter.$and[0].$and[0]'],
    [
      'a million values',
      { a: { $in: Array(1e6).fill(1) } },
      'filter.a.$in has 1000000 elements; at most 100000',
    ],
    [
      'a million filters',
      { $or: Array(1e6).fill({ a: 1 }) },
      'filter.$or has 1000000 elements; a filter has at most',
    ],
    [
      'many fields',
      Object.fromEntries(Array.from({ length: 1_025 }, (_, i) => [`f${i}`, i])),
      'filter.f1024 brings',
    ],
  ])('%s', (_name, filter, message) => {
    expect(refusal(filter).slice(0, message.length)).toBe(message);
  });

  test('options are checked', () => {
    expect(() => fromMongo({}, { matchArray: true } as RvfMongoOptions)).toThrow(
      'options.matchArray is not known',
    );
    expect(() => fromMongo({}, { matchArrays: 1 as unknown as boolean })).toThrow(
      'options.matchArrays must be',
    );
  });
});
