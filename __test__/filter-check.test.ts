import { RvfError, RvfErrorCode, type RvfFilterExpr } from '@ruvector/rvf';
import { describe, expect, test } from 'vitest';
import { filterText } from '../src-ts/filter-check.js';
import { randomNumbers } from './support/brute-force.js';
import { matches } from './support/plain-filter.js';
import { ALL_OPERATORS, randomDocuments, randomFilter } from './support/random-filters.js';

const eq = { op: 'eq', field: 'a', value: 1 };

/** The message of the refusal of `filter`, which must be a `FilterParseError`. */
function refusal(filter: unknown): string {
  try {
    filterText('filter', filter);
  } catch (error) {
    expect(error).toBeInstanceOf(RvfError);
    expect((error as RvfError).code).toBe(RvfErrorCode.FilterParseError);
    return (error as RvfError).message.replace('[0203] FilterParseError: ', '');
  }
  throw new Error('the filter was accepted');
}

function nested(levels: number, wrap: (inner: unknown) => unknown): unknown {
  let filter: unknown = eq;
  for (let level = 1; level < levels; level++) {
    filter = wrap(filter);
  }
  return filter;
}

describe('the text of a filter', () => {
  test('is its JSON, for filters of every shape', () => {
    const random = randomNumbers(7);
    const documents = randomDocuments(random, 100);
    const seen = new Set<string>();
    for (let round = 0; round < 2_000; round++) {
      const filter = randomFilter(random, documents, 4);
      const text = filterText('filter', filter);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(filter)));
      for (const [, op] of text.matchAll(/\{"op":"(\w+)"/g)) {
        seen.add(op as string);
      }
    }
    expect([...seen].sort()).toEqual([...ALL_OPERATORS, 'and', 'or', 'not'].sort());
  });

  test('keeps names that objects inherit as plain data', () => {
    for (const field of ['__proto__', 'constructor', 'toString', '', '\0', 'a.b', '"']) {
      const filter = { op: 'in', field, values: ['__proto__', '"\\\0'] };
      expect(JSON.parse(filterText('filter', filter))).toEqual(filter);
    }
    expect(Object.prototype).not.toHaveProperty('op');
  });

  test('has numbers of fields, and leaves out what is undefined', () => {
    const filter = { op: 'lt', fieldId: 3, field: undefined, value: -0 };
    expect(filterText('filter', filter)).toBe('{"op":"lt","fieldId":3,"value":0}');
  });

  test('is of what was read: getters and proxies are asked once', () => {
    const reads: string[] = [];
    const watched = (target: object): object =>
      new Proxy(target, {
        get(from, key, receiver) {
          reads.push(String(key));
          const value: unknown = Reflect.get(from, key, receiver);
          return typeof value === 'object' && value !== null ? watched(value) : value;
        },
      });
    const filter = { op: 'and', exprs: [{ op: 'in', field: 'a', values: ['x', 'y'] }] };
    expect(JSON.parse(filterText('filter', watched(filter)))).toEqual(filter);
    expect(reads).toEqual(['op', 'exprs', 'length', '0', 'op', 'field', 'values', 'length', '0', '1']);
  });
});

describe('a refusal names the part, the limit and what to do', () => {
  test.each<[string, unknown, string]>([
    ['no object', 'a = 1', 'filter must be an expression'],
    ['an array', [eq], 'filter must be an expression'],
    ['null', null, 'filter must be an expression'],
    ['no operator', { field: 'a', value: 1 }, 'filter.op must be one of eq, ne,'],
    ['an unknown operator', { op: 'like', field: 'a', value: 'x' }, 'filter.op must be one of'],
    ['an inherited operator', { op: 'constructor', field: 'a', value: 1 }, 'filter.op must be one of'],
    ['no field', { op: 'eq', value: 1 }, 'filter.field must name a field'],
    ['a field that is no string', { op: 'eq', field: 1, value: 1 }, 'filter.field must name a field, not 1'],
    ['a field twice', { ...eq, fieldId: 1 }, 'filter.fieldId is given beside field'],
    [
      'half a number',
      { op: 'eq', fieldId: 1.5, value: 1 },
      'filter.fieldId must be an integer from 0 to 4294967295',
    ],
    ['a negative number', { op: 'eq', fieldId: -1, value: 1 }, 'filter.fieldId must be an integer'],
    ['an unknown key', { ...eq, valueType: 'x' }, 'filter.valueType is no part; the parts are'],
    ['an odd key', { ...eq, 'a b': 'x' }, 'filter["a b"] is no part'],
    [
      'a key of another operator',
      { ...eq, values: [1] },
      "filter.values is no part of 'eq'; the parts are op, field",
    ],
    ['a field of and', { op: 'and', field: 'a', exprs: [] }, "filter.field is no part of 'and'"],
    [
      'no value',
      { op: 'eq', field: 'a' },
      'filter.value must be a string, a number, a boolean or null, not undefined',
    ],
    [
      'null to order by',
      { op: 'ge', field: 'a', value: null },
      'filter.value must be a string or a number, not null',
    ],
    ['NaN', { ...eq, value: Number.NaN }, 'filter.value must be a finite number, not NaN'],
    ['infinity', { ...eq, value: Number.NEGATIVE_INFINITY }, 'filter.value must be a finite number'],
    [
      'a bigint',
      { ...eq, value: 1n },
      'filter.value must be a string, a number, a boolean or null, not 1; stored numbers',
    ],
    [
      'an object',
      { ...eq, value: {} },
      'filter.value must be a string, a number, a boolean or null, not an object',
    ],
    [
      'a list to be equal to',
      { ...eq, value: ['x'] },
      "filter.value must be a string, a number, a boolean or null, not an array; use 'in'",
    ],
    [
      'a boolean to order by',
      { op: 'lt', field: 'a', value: true },
      'filter.value must be a string or a number, not true; booleans',
    ],
    [
      'a number to start with',
      { op: 'startsWith', field: 'a', value: 1 },
      'filter.value must be a string, not 1',
    ],
    [
      'bounds of two types',
      { op: 'range', field: 'a', low: 1, high: 'x' },
      'filter.high is a string though low is a number',
    ],
    [
      'a missing bound',
      { op: 'range', field: 'a', low: 1 },
      'filter.high must be a string or a number, not undefined',
    ],
    ['a lone surrogate', { ...eq, value: 'x\ud800' }, 'filter.value holds a lone surrogate'],
    ['a lone surrogate as field', { ...eq, field: '\udc00' }, 'filter.field holds a lone surrogate'],
    ['values that are no list', { op: 'in', field: 'a', values: 'x' }, 'filter.values must be an array'],
    ['a hole in a list', { op: 'in', field: 'a', values: new Array(2) }, 'filter.values[0] must be a string'],
    ['expressions that are no list', { op: 'or', exprs: eq }, 'filter.exprs must be an array'],
    [
      'what is deep inside',
      { op: 'and', exprs: [eq, eq, { op: 'not', expr: { ...eq, value: {} } }] },
      'filter.exprs[2].expr.value must be',
    ],
  ])('%s', (_name, filter, message) => {
    expect(refusal(filter).slice(0, message.length)).toBe(message);
  });

  test('a filter that contains itself', () => {
    const filter = { op: 'and', exprs: [eq] as unknown[] };
    filter.exprs.push({ op: 'not', expr: filter });
    expect(refusal(filter)).toBe('filter.exprs[1].expr is filter again; a filter cannot contain itself');
  });

  test('a getter that throws, and an array that lies about its length', () => {
    const hostile = {
      op: 'eq',
      get field(): string {
        throw new Error('no');
      },
    };
    expect(refusal(hostile)).toContain('filter cannot be read');
    const lying = new Proxy([1], {
      get: (target, key) => (key === 'length' ? Number.NaN : Reflect.get(target, key)),
    });
    expect(refusal({ op: 'in', field: 'a', values: lying })).toContain('filter.values has NaN elements');
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(refusal(proxy)).toContain('filter cannot be read');
  });
});

describe('limits', () => {
  const inNot = (expr: unknown) => ({ op: 'not', expr });
  const inAnd = (expr: unknown) => ({ op: 'and', exprs: [expr] });

  test.each([inNot, inAnd])('64 levels are accepted and 65 are not', (wrap) => {
    expect(filterText('filter', nested(64, wrap))).toContain('"eq"');
    expect(refusal(nested(65, wrap))).toMatch(
      /^filter\.expr.* \.\.\. .*is nested more than 64 levels deep; /,
    );
  });

  test('1,024 conditions are accepted and 1,025 are not', () => {
    expect(filterText('filter', { op: 'or', exprs: Array(1_023).fill(eq) })).toContain('"eq"');
    expect(refusal({ op: 'or', exprs: Array(1_024).fill(eq) })).toBe(
      "filter.exprs has 1024 elements; a filter has at most 1024 conditions in all; use 'in' for many values of one field",
    );
    const nots = Array(512).fill(inNot(eq));
    expect(refusal({ op: 'or', exprs: nots })).toContain('brings the filter above 1024 conditions');
    expect(filterText('filter', { op: 'or', exprs: nots.slice(1) })).toContain('"eq"');
  });

  test('100,000 values are accepted and 100,001 are not', () => {
    const values = Array.from({ length: 100_000 }, (_, index) => `value ${index}`);
    expect(JSON.parse(filterText('filter', { op: 'in', field: 'a', values }))).toEqual({
      op: 'in',
      field: 'a',
      values,
    });
    expect(refusal({ op: 'in', field: 'a', values: [...values, 'x'] })).toBe(
      'filter.values has 100001 elements; at most 100000 are allowed, split the list',
    );
  });

  test('a text longer than what is sent to the engine is refused before it is made', () => {
    const value = 'x'.repeat(2 ** 20);
    expect(filterText('filter', { ...eq, value })).toHaveLength(
      value.length + '{"op":"eq","field":"a","value":""}'.length,
    );
    expect(refusal({ op: 'in', field: 'a', values: Array(100_000).fill(value) })).toContain(
      'more than 67108864 characters',
    );
  });

  test('the worst are refused at once', () => {
    const worst = [
      nested(10_000, inNot),
      nested(10_000, inAnd),
      { op: 'and', exprs: Array(1e6).fill(eq) },
      { op: 'in', field: 'a', values: Array(1e6).fill(1) },
      { op: 'in', field: 'a', values: new Array(2 ** 32 - 1) },
      Object.fromEntries(Array.from({ length: 1e5 }, (_, index) => [`key ${index}`, 1])),
      nested(40, (expr) => ({ op: 'or', exprs: [expr, expr] })),
    ];
    const start = performance.now();
    for (const filter of worst) {
      refusal(filter);
    }
    expect(performance.now() - start).toBeLessThan(1_000);
  });
});

describe('the plain filter that stores are compared with', () => {
  const hits = (filter: RvfFilterExpr, ...values: unknown[]): unknown[] =>
    values.filter((value) => matches(filter, { a: value }));

  test('compares strings by their UTF-8 bytes, numbers as numbers, and no two types', () => {
    expect(hits({ op: 'gt', field: 'a', value: '\uffff' }, '😀', 'z', '\uffff', 1)).toEqual(['😀']);
    expect(hits({ op: 'eq', field: 'a', value: 0 }, -0, 0, '0', false, null, [0])).toEqual([-0, 0]);
    expect(hits({ op: 'le', field: 'a', value: 2 }, 1, 2, 3, '1', true, null)).toEqual([1, 2]);
    expect(hits({ op: 'range', field: 'a', low: 1, high: 2 }, 0.9, 1, 1.9, 2)).toEqual([1, 1.9]);
    expect(hits({ op: 'startsWith', field: 'a', value: 'ab' }, 'ab', 'abc', 'a', 'xab', ['ab'])).toEqual([
      'ab',
      'abc',
    ]);
  });

  test('takes half of a surrogate pair as the code point that it is', () => {
    expect(hits({ op: 'gt', field: 'a', value: 'a' }, 'a\ud800', '\ud800', '')).toEqual([
      'a\ud800',
      '\ud800',
    ]);
    expect(hits({ op: 'startsWith', field: 'a', value: 'a' }, 'a\ud800', '\ud800a')).toEqual(['a\ud800']);
    expect(hits({ op: 'gt', field: 'a', value: '\ue000' }, '\ud800', '😀')).toEqual(['😀']);
  });

  test('takes null as a value that only null equals, and that has no place in an order', () => {
    expect(hits({ op: 'eq', field: 'a', value: null }, null, 0, '', false, [null])).toEqual([null]);
    expect(hits({ op: 'contains', field: 'a', value: null }, null, [null], [0])).toEqual([[null]]);
    expect(matches({ op: 'in', field: 'a', values: [null] }, {})).toBe(false);
    expect(hits({ op: 'ge', field: 'a', value: 0 }, null, 0)).toEqual([0]);
  });

  test('looks into arrays only where it is asked to', () => {
    const values = ['x', ['x'], ['x', 'y', 1], [], [['x']]];
    expect(hits({ op: 'eq', field: 'a', value: 'x' }, ...values)).toEqual(['x']);
    expect(hits({ op: 'contains', field: 'a', value: 'x' }, ...values)).toEqual([['x'], ['x', 'y', 1]]);
    expect(hits({ op: 'containsAll', field: 'a', values: ['x', 1] }, ...values)).toEqual([['x', 'y', 1]]);
    expect(hits({ op: 'containsAll', field: 'a', values: [] }, ...values)).toHaveLength(4);
    expect(hits({ op: 'containsAny', field: 'a', values: [] }, ...values)).toEqual([]);
  });

  test('takes ne, nin and not as plain negation, and null as something that exists', () => {
    const missing = [{}, undefined, null, ['a'], 'a', { b: 1 }];
    for (const filter of [
      { op: 'ne', field: 'a', value: 1 },
      { op: 'nin', field: 'a', values: [1] },
      { op: 'not', expr: { op: 'exists', field: 'a' } },
    ] as RvfFilterExpr[]) {
      expect(missing.filter((metadata) => matches(filter, metadata))).toEqual(missing);
    }
    expect(matches({ op: 'exists', field: 'a' }, { a: null })).toBe(true);
    expect(matches({ op: 'exists', field: 'toString' }, {})).toBe(false);
    expect([matches({ op: 'and', exprs: [] }, {}), matches({ op: 'or', exprs: [] }, {})]).toEqual([
      true,
      false,
    ]);
  });

  test('finds something with most random filters, and seldom everything', () => {
    const random = randomNumbers(3);
    const documents = randomDocuments(random, 200);
    const shares = Array.from({ length: 1_000 }, () => {
      const filter = randomFilter(random, documents);
      return documents.filter((document) => matches(filter, document)).length / documents.length;
    });
    expect(shares.filter((share) => share > 0 && share < 1).length).toBeGreaterThan(700);
    expect(shares.filter((share) => share > 0 && share <= 0.05).length).toBeGreaterThan(100);
  });
});
