import type { RvfDatabase, RvfFilterExpr } from '@ruvector/rvf';
import { describe, expect, test } from 'vitest';
import { expectRejection, rejection } from '../support/failures.js';
import { type Host, useStores } from '../support/host.js';

const GOOD: RvfFilterExpr = { op: 'exists', field: 'a' };
const ENTRY = { id: 'a', vector: [1, 0, 0, 0], metadata: { a: 1 } };

/** Every call that takes a filter. */
const CALLS: [string, (db: RvfDatabase, filter: RvfFilterExpr) => Promise<unknown>][] = [
  ['query', (db, filter) => db.query([1, 0, 0, 0], 1, { filter })],
  ['querySync', async (db, filter) => db.querySync([1, 0, 0, 0], 1, { filter })],
  ['queryBatch', (db, filter) => db.queryBatch([[1, 0, 0, 0]], 1, { filter })],
  ['count', (db, filter) => db.count(filter)],
  ['list', (db, filter) => db.list({ filter })],
  ['queryByFilter', (db, filter) => db.queryByFilter(filter)],
  ['iterate', async (db, filter) => db.iterate({ filter })],
  ['explain', (db, filter) => db.explain(filter)],
  ['explain of a query', (db, filter) => db.explain([1, 0, 0, 0], 1, { filter })],
  ['deleteByFilter', (db, filter) => db.deleteByFilter(filter)],
  ['updateMetadata', (db, filter) => db.updateMetadata(filter, { a: 2 })],
  ['replaceWhere', (db, filter) => db.replaceWhere(filter, [ENTRY])],
];

/** Name, filter, what the message names. */
const FILTERS: [string, () => unknown, string][] = [
  ['10,000 levels deep', () => nested(10_000), 'nested'],
  ['1,025 conditions', () => ({ op: 'or', exprs: Array(1_025).fill(GOOD) }), '1024'],
  ['an in of a million values', () => ({ op: 'in', field: 'a', values: Array(1_000_000).fill(1) }), '100000'],
  ['an unknown operator', () => ({ op: 'like', field: 'a', value: 'x' }), 'filter.op'],
  ['an inherited operator', () => ({ op: '__proto__', field: 'a', value: 1 }), 'filter.op'],
  ['a symbol for an operator', () => ({ op: Symbol('eq'), field: 'a', value: 1 }), 'filter.op'],
  ['a symbol for a value', () => ({ op: 'eq', field: 'a', value: Symbol('1') }), 'filter.value'],
  ['a function for a value', () => ({ op: 'eq', field: 'a', value: () => 1 }), 'filter.value'],
  ['an object for a value', () => ({ op: 'eq', field: 'a', value: { $gt: 1 } }), 'filter.value'],
  ['text for values', () => ({ op: 'in', field: 'a', values: 'abc' }), 'filter.values'],
  ['NaN', () => ({ op: 'lt', field: 'a', value: Number.NaN }), 'filter.value'],
  ['a getter that throws', () => throwing('value', { op: 'eq', field: 'a' }), 'getter'],
  ['a proxy that throws', () => new Proxy({}, { ownKeys: failing }), 'proxy'],
  ['a revoked proxy', revoked, 'proxy'],
  ['itself', cyclic, 'again'],
  ['a filter of MongoDB', () => ({ section: 'games', size: { $gt: 1 } }), 'fromMongo'],
  ['a logical filter of MongoDB', () => ({ $and: [{ section: 'games' }] }), 'fromMongo'],
  ['a filter of MongoDB on op', () => ({ op: { $eq: 'save' } }), 'fromMongo'],
  ['a filter of MongoDB within', () => ({ op: 'not', expr: { section: 'games' } }), 'fromMongo'],
  ['an empty object', () => ({}), 'fromMongo'],
];

/** What is no object at all; updateMetadata says that of its target. */
const NO_OBJECTS: [unknown][] = [[null], ['a = 1'], [7], [true], [Symbol('filter')]];

const PATCHES: [string, () => unknown, string][] = [
  ['undefined', () => undefined, 'undefined'],
  ['null', () => null, 'null'],
  ['an array', () => [{ a: 1 }], 'an array'],
  ['a string', () => 'a', '"a"'],
  ['a function', () => () => 1, 'function'],
  ['a symbol', () => Symbol('patch'), 'symbol'],
  ['a date', () => new Date(0), 'Date'],
  ['a bigint inside', () => ({ a: 1n }), 'BigInt'],
  ['NaN inside, which would remove', () => ({ a: { b: Number.NaN } }), 'NaN'],
  ['an invalid date, which would remove', () => ({ a: new Date(Number.NaN) }), 'null'],
  ['a map', () => new Map([['a', 1]]), 'object'],
  ['a promise', () => Promise.resolve({ a: 1 }), 'object'],
  ['itself', cyclic, 'cycles'],
  ['a getter that throws', () => throwing('a'), 'mine'],
  ['a getter that throws the second time', () => throwing('a', {}, 1), 'mine'],
  ['33 levels', () => nested(33), '32'],
  ['64 KiB and more', () => ({ a: 'x'.repeat(65_536) }), '65536'],
];

const LIMITS = [0, -1, 1.5, 100_001, Number.NaN, '10', null];

function nested(levels: number): unknown {
  let filter: unknown = GOOD;
  for (let level = 1; level < levels; level++) {
    filter = { op: 'not', expr: filter };
  }
  return filter;
}

function cyclic(): unknown {
  const filter: { op: string; exprs: unknown[] } = { op: 'and', exprs: [] };
  filter.exprs.push(filter);
  return filter;
}

function failing(): never {
  throw new Error('mine');
}

/** An object with a getter that answers some times, and throws then. */
function throwing(name: string, object = {}, answers = 0): object {
  let left = answers;
  const get = (): unknown => (left-- > 0 ? 1 : failing());
  return Object.defineProperty(object, name, { enumerable: true, get });
}

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** What is wrong with filters, patches and options is refused at once, and nothing is changed. */
export function filterRefusalsBehaviour(host: Host): void {
  describe('refusals of filters', () => {
    const stores = useStores(host);

    async function filled(): Promise<RvfDatabase> {
      const db = await stores.create();
      await db.ingestBatch([ENTRY]);
      return db;
    }

    async function isUntouched(db: RvfDatabase): Promise<void> {
      expect(await db.get(['a'])).toEqual([{ id: 'a', metadata: { a: 1 } }]);
      expect(Object.keys(Object.prototype)).toEqual([]);
    }

    test.each(FILTERS)('a filter that is %s', async (_name, make, named) => {
      const db = await filled();
      const filter = make() as RvfFilterExpr;
      const start = performance.now();
      for (const [, call] of CALLS) {
        await expectRejection(call(db, filter), 'FilterParseError', 'filter', named);
      }
      expect(performance.now() - start).toBeLessThan(5_000);
      await isUntouched(db);
    });

    test.each(NO_OBJECTS)('%s for a filter', async (filter) => {
      const db = await filled();
      for (const [name, call] of CALLS) {
        const [code, named] =
          name === 'updateMetadata'
            ? (['InvalidInput', 'target'] as const)
            : (['FilterParseError', 'filter'] as const);
        await expectRejection(call(db, filter as never), code, named);
      }
      await isUntouched(db);
    });

    test('no filter where one must be', async () => {
      const db = await filled();
      for (const name of ['queryByFilter', 'deleteByFilter', 'explain'] as const) {
        const call = db[name] as (filter: unknown) => Promise<unknown>;
        await expectRejection(call.call(db, undefined), 'FilterParseError', 'filter');
      }
      await expectRejection(db.replaceWhere(undefined as never, []), 'FilterParseError', 'filter');
      await expectRejection(db.updateMetadata(undefined as never, {}), 'InvalidInput', 'target');
      await isUntouched(db);
    });

    test('fields and values that objects inherit are ordinary ones', async () => {
      const db = await filled();
      for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '']) {
        expect(await db.count({ op: 'exists', field: name })).toBe(0);
        expect(await db.count({ op: 'eq', field: 'a', value: name })).toBe(0);
      }
      await db.insert('b', [0, 0, 0, 0], JSON.parse('{"__proto__":"__proto__"}') as object);
      expect(await db.count({ op: 'eq', field: '__proto__', value: '__proto__' })).toBe(1);
    });

    test.each(PATCHES)('a patch that is %s', async (_name, make, named) => {
      const db = await filled();
      const patch = make() as object;
      for (const target of [['a'], [], GOOD]) {
        await expectRejection(db.updateMetadata(target, patch), 'InvalidInput', 'patch', named);
      }
      await isUntouched(db);
    });

    test.each(['', 'x'.repeat(1_025), '\ud800', 7, null])('%s among the ids of an update', async (id) => {
      const db = await filled();
      await expectRejection(db.updateMetadata(['a', id as never], { a: 2 }), 'InvalidInput', 'ids[1]');
      await isUntouched(db);
    });

    test.each(LIMITS)('a limit of %s', async (limit) => {
      const db = await filled();
      const options = { limit: limit as number };
      await expectRejection(db.list(options), 'InvalidOptions', 'options.limit');
      await expectRejection(db.queryByFilter(GOOD, options), 'InvalidOptions', 'options.limit');
      await expectRejection(db.changes(0, options), 'InvalidOptions', 'options.limit');
    });

    test('options that are not known, or of another type', async () => {
      const db = await filled();
      const calls: ((options: object) => Promise<unknown>)[] = [
        (options) => db.count(GOOD, options),
        (options) => db.count(undefined, options),
        (options) => db.list(options),
        (options) => db.queryByFilter(GOOD, options),
        (options) => db.changes(0, options),
        (options) => db.deleteByFilter(GOOD, options),
        (options) => db.updateMetadata(GOOD, {}, options),
        (options) => db.replaceWhere(GOOD, [], options),
        async (options) => db.iterate(options),
      ];
      for (const [index, call] of calls.entries()) {
        const misspelt = await rejection(call({ misspelt: 1 }));
        expect(misspelt.message, `call ${index}`).toContain('InvalidOptions: options.misspelt');
        const list = await rejection(call([]));
        expect(list.message, `call ${index}`).toContain('options must be an object');
      }
      for (const call of [calls[0], calls[2], calls[3], calls[5], calls[6], calls[7]]) {
        const failure = call?.({ signal: {} }) as Promise<unknown>;
        await expectRejection(failure, 'InvalidOptions', 'options.signal');
      }
      for (const call of [calls[0], calls[2], calls[3]]) {
        await expectRejection(call?.({ timeoutMs: -1 }) as Promise<unknown>, 'InvalidOptions', 'timeoutMs');
      }
      for (const call of [calls[2], calls[3], calls[4], calls[8]]) {
        const failure = call?.({ includeVectors: 1 }) as Promise<unknown>;
        await expectRejection(failure, 'InvalidOptions', 'options.includeVectors');
      }
      await isUntouched(db);
    });
  });
}
