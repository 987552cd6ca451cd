import type {
  RvfCallOptions,
  RvfChangedRow,
  RvfChanges,
  RvfClause,
  RvfDatabase,
  RvfDeleteResult,
  RvfFilterExpr,
  RvfFilterPlan,
  RvfHits,
  RvfIterateOptions,
  RvfListOptions,
  RvfMetadataPatch,
  RvfOptions,
  RvfPage,
  RvfQueryOptions,
  RvfQueryPlan,
  RvfReplaceResult,
  RvfRow,
  RvfSchemaField,
  RvfScoredResult,
  RvfUpdateResult,
} from '@ruvector/rvf';
import { RvfDatabase as Database } from '@ruvector/rvf';
import { describe, expectTypeOf, test } from 'vitest';

interface Page {
  section: string;
  size?: number;
  tags: string[];
  author: { name: string; age?: number };
}

type Db = RvfDatabase<Page>;
type Filter = RvfFilterExpr<Page>;
declare const db: Db;
declare const plain: RvfDatabase;

/** Never called: what it says is checked when it is compiled. */
function refusedByTheCompiler(): unknown[] {
  return [
    // @ts-expect-error There is no such field.
    db.count({ op: 'eq', field: 'sectoin', value: 'games' }),
    // @ts-expect-error A section is no number.
    db.list({ filter: { op: 'eq', field: 'section', value: 1 } }),
    // @ts-expect-error A filter of MongoDB goes through fromMongo.
    plain.deleteByFilter({ section: 'games' }),
    // @ts-expect-error A filter must be there.
    db.queryByFilter(),
    // @ts-expect-error Writes have no time limit.
    db.deleteByFilter({ op: 'and', exprs: [] }, { timeoutMs: 1 }),
    // @ts-expect-error A size is no string.
    db.updateMetadata(['a'], { size: 'large' }),
    // @ts-expect-error A patch is an object.
    plain.updateMetadata(['a'], 'text'),
    // @ts-expect-error Entries have the shape of the database.
    db.replaceWhere({ op: 'and', exprs: [] }, [{ id: 'a', vector: [1], metadata: { section: 1 } }]),
    // @ts-expect-error A plan of a query needs k.
    db.explain([1, 2, 3]),
    // @ts-expect-error There is no such field.
    db.where('sectoin'),
    // @ts-expect-error A size has no beginning.
    db.where('size').startsWith('x'),
    // @ts-expect-error There is no such type.
    Database.create<Page>('a.rvf', { dimensions: 3, schema: [{ field: 'section', type: 'text' }] }),
    // @ts-expect-error There is no such field.
    Database.create<Page>('a.rvf', { dimensions: 3, schema: [{ field: 'sectoin', type: 'string' }] }),
  ];
}

describe('the calls that take a filter', () => {
  test('are typed by the shape', () => {
    expectTypeOf(refusedByTheCompiler).toBeFunction();
    expectTypeOf<Db['count']>().parameters.toEqualTypeOf<
      [(Filter | undefined)?, (RvfCallOptions | undefined)?]
    >();
    expectTypeOf<Db['list']>().parameter(0).toEqualTypeOf<RvfListOptions<Page> | undefined>();
    expectTypeOf<Db['queryByFilter']>().parameter(0).toEqualTypeOf<Filter>();
    expectTypeOf<Db['deleteByFilter']>().parameter(0).toEqualTypeOf<Filter>();
    expectTypeOf<Db['updateMetadata']>().parameter(0).toEqualTypeOf<readonly string[] | Filter>();
    expectTypeOf<Db['replaceWhere']>().parameter(0).toEqualTypeOf<Filter>();
    expectTypeOf<RvfQueryOptions<Page>['filter']>().toEqualTypeOf<Filter | undefined>();
    expectTypeOf<RvfIterateOptions<Page>['filter']>().toEqualTypeOf<Filter | undefined>();
    expectTypeOf<Db['iterate']>().parameter(0).toEqualTypeOf<RvfIterateOptions<Page> | undefined>();
  });

  test('answer rows of the shape', () => {
    expectTypeOf<Db['count']>().returns.resolves.toEqualTypeOf<number>();
    expectTypeOf<Db['list']>().returns.resolves.toEqualTypeOf<RvfPage<Page>>();
    expectTypeOf<RvfPage<Page>['rows']>().items.toEqualTypeOf<RvfRow<Page>>();
    expectTypeOf<RvfPage['cursor']>().toEqualTypeOf<string | undefined>();
    expectTypeOf<Db['queryByFilter']>().returns.resolves.items.toEqualTypeOf<RvfRow<Page>>();
    expectTypeOf<Db['deleteByFilter']>().returns.resolves.toEqualTypeOf<RvfDeleteResult>();
    expectTypeOf<Db['updateMetadata']>().returns.resolves.toEqualTypeOf<RvfUpdateResult>();
    expectTypeOf<Db['replaceWhere']>().returns.resolves.toEqualTypeOf<RvfReplaceResult>();
    expectTypeOf<RvfReplaceResult>().toHaveProperty('deleted').toEqualTypeOf<number>();
    expectTypeOf<RvfReplaceResult>().toHaveProperty('accepted').toEqualTypeOf<number>();
    expectTypeOf<Db['changes']>().returns.resolves.toEqualTypeOf<RvfChanges<Page>>();
    expectTypeOf<RvfChanges<Page>['upserted']>().items.toEqualTypeOf<RvfChangedRow<Page>>();
    expectTypeOf<RvfChangedRow<Page>>().toExtend<RvfRow<Page> & { epoch: number }>();
  });

  test('do not keep a database with a shape from being one without', () => {
    expectTypeOf<Db>().toExtend<RvfDatabase>();
    expectTypeOf<RvfDatabase>().not.toExtend<Db>();
  });
});

test('a patch has the shape, with null for what it removes, at every level', () => {
  type Patch = RvfMetadataPatch<Page>;
  expectTypeOf<{ section: string }>().toExtend<Patch>();
  expectTypeOf<{ size: null; author: { age: null } }>().toExtend<Patch>();
  expectTypeOf<{ tags: string[]; author: { name: string } }>().toExtend<Patch>();
  expectTypeOf<{ tags: (string | null)[] }>().not.toExtend<Patch>();
  expectTypeOf<{ author: { name: number } }>().not.toExtend<Patch>();
  expectTypeOf<{ anything: 1; nested: { a: null } }>().toExtend<
    Parameters<RvfDatabase['updateMetadata']>[1]
  >();
  expectTypeOf<Record<string, unknown>>().toExtend<RvfMetadataPatch<Record<string, unknown>>>();
  expectTypeOf<RvfMetadataPatch<string[]>>().toBeNever();
});

test('explain answers a plan of what it was given', () => {
  const ofFilter = () => db.explain({ op: 'exists', field: 'tags' });
  const ofQuery = () => db.explain([1, 2, 3], 5, { filter: { op: 'exists', field: 'tags' } });
  expectTypeOf(ofFilter).returns.resolves.toEqualTypeOf<RvfFilterPlan>();
  expectTypeOf(ofQuery).returns.resolves.toEqualTypeOf<RvfQueryPlan>();
  expectTypeOf<Db['query']>().returns.resolves.toEqualTypeOf<RvfHits<Page>>();
  expectTypeOf<Db['querySync']>().returns.toEqualTypeOf<RvfHits<Page>>();
  expectTypeOf<RvfHits<Page>>().toExtend<RvfScoredResult<Page>[]>();
  expectTypeOf<RvfHits['plan']>().toEqualTypeOf<RvfQueryPlan | undefined>();
  expectTypeOf<Db['queryBatch']>().returns.resolves.items.toEqualTypeOf<RvfScoredResult<Page>[]>();
  expectTypeOf<RvfQueryPlan['strategy']>().toEqualTypeOf<'graph' | 'scan' | 'matches' | 'codes' | 'check'>();
});

test('where of a database knows its fields', () => {
  const sentence = () => db.where('section').is('games').and('size').below(1e6);
  expectTypeOf(sentence).returns.toExtend<Filter>();
  expectTypeOf(() => db.where('tags').has('new')).returns.toEqualTypeOf<RvfClause<Page>>();
  expectTypeOf(() => plain.where('anything').has(1)).returns.toExtend<RvfFilterExpr>();
});

test('a schema names fields of the shape', () => {
  expectTypeOf<{ field: 'section'; type: 'string' }>().toExtend<RvfSchemaField<Page>>();
  expectTypeOf<{ field: 'tags'; type: 'string[]'; fieldId: 3 }>().toExtend<RvfSchemaField<Page>>();
  expectTypeOf<{ field: 'sectoin'; type: 'string' }>().not.toExtend<RvfSchemaField<Page>>();
  expectTypeOf<{ field: 'section'; type: 'date' }>().not.toExtend<RvfSchemaField<Page>>();
  expectTypeOf<RvfOptions['schema']>().toEqualTypeOf<RvfSchemaField[] | undefined>();
  const unshaped = () =>
    Database.create('a.rvf', { dimensions: 3, schema: [{ field: 'any', type: 'string' }] });
  expectTypeOf(unshaped).returns.resolves.toEqualTypeOf<RvfDatabase>();
  expectTypeOf<Db['schema']>().returns.toEqualTypeOf<RvfSchemaField[]>();
});
