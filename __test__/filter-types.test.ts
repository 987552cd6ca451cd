import {
  anyOf,
  fromMongo,
  type RvfDatabase,
  type RvfFilterExpr,
  type RvfMetadata,
  type RvfMongoFilter,
  type RvfQueryOptions,
  where,
} from '@ruvector/rvf';
import type { RvfFilterExpr as PublishedFilter } from 'rvf-published';
import { describe, expectTypeOf, test } from 'vitest';

interface Page {
  section: string;
  size?: number;
  open: boolean | null;
  level: 1 | 2 | 3;
  kind: 'page' | 'post';
  tags?: string[];
  scores: readonly number[];
  made: Date;
  author: { name: string };
}

type Filter = RvfFilterExpr<Page>;

describe('an expression over a shape', () => {
  test('names its fields and takes values of their types', () => {
    expectTypeOf<{ op: 'eq'; field: 'section'; value: string }>().toExtend<Filter>();
    expectTypeOf<{ op: 'ne'; field: 'size'; value: number }>().toExtend<Filter>();
    expectTypeOf<{ op: 'in'; field: 'open'; values: boolean[] }>().toExtend<Filter>();
    expectTypeOf<{ op: 'nin'; field: 'kind'; values: ('page' | 'post')[] }>().toExtend<Filter>();
    expectTypeOf<{ op: 'exists'; field: 'author' }>().toExtend<Filter>();
    expectTypeOf<{ op: 'eq'; field: 'sectoin'; value: string }>().not.toExtend<Filter>();
    expectTypeOf<{ op: 'eq'; field: 'section'; value: number }>().not.toExtend<Filter>();
    expectTypeOf<{ op: 'eq'; field: 'kind'; value: 'pege' }>().not.toExtend<Filter>();
    expectTypeOf<{ op: 'eq'; field: 'open'; value: null }>().toExtend<Filter>();
    expectTypeOf<{ op: 'eq'; field: 'size'; value: null }>().not.toExtend<Filter>();
    expectTypeOf<{ op: 'eq'; field: 'tags'; value: string }>().not.toExtend<Filter>();
    expectTypeOf<{ op: 'eq'; field: 'author'; value: string }>().not.toExtend<Filter>();
    expectTypeOf<{ op: 'is'; field: 'section'; value: string }>().not.toExtend<Filter>();
  });

  test('orders numbers and strings, also beyond the literals of their type', () => {
    expectTypeOf<{ op: 'lt'; field: 'size'; value: number }>().toExtend<Filter>();
    expectTypeOf<{ op: 'ge'; field: 'level'; value: number }>().toExtend<Filter>();
    expectTypeOf<{ op: 'range'; field: 'made'; low: string; high: string }>().toExtend<Filter>();
    expectTypeOf<{ op: 'lt'; field: 'open'; value: boolean }>().not.toExtend<Filter>();
    expectTypeOf<{ op: 'lt'; field: 'size'; value: string }>().not.toExtend<Filter>();
    expectTypeOf<{ op: 'range'; field: 'size'; low: number; high: string }>().not.toExtend<Filter>();
  });

  test('asks arrays for elements, and strings for their beginning', () => {
    expectTypeOf<{ op: 'contains'; field: 'tags'; value: string }>().toExtend<Filter>();
    expectTypeOf<{ op: 'containsAny'; field: 'scores'; values: number[] }>().toExtend<Filter>();
    expectTypeOf<{ op: 'startsWith'; field: 'kind'; value: string }>().toExtend<Filter>();
    expectTypeOf<{ op: 'contains'; field: 'tags'; value: number }>().not.toExtend<Filter>();
    expectTypeOf<{ op: 'contains'; field: 'section'; value: string }>().not.toExtend<Filter>();
    expectTypeOf<{ op: 'startsWith'; field: 'size'; value: string }>().not.toExtend<Filter>();
    expectTypeOf<{ op: 'startsWith'; field: 'tags'; value: string }>().not.toExtend<Filter>();
  });

  test('is nested to any depth, and names every field of a union', () => {
    type Nested = { op: 'and'; exprs: { op: 'not'; expr: { op: 'exists'; field: 'tags' } }[] };
    expectTypeOf<Nested>().toExtend<Filter>();
    type Either = RvfFilterExpr<{ kind: 'a'; size: number } | { kind: 'b'; name: string } | null>;
    expectTypeOf<{ op: 'eq'; field: 'size'; value: number }>().toExtend<Either>();
    expectTypeOf<{ op: 'in'; field: 'kind'; values: ('a' | 'b')[] }>().toExtend<Either>();
    expectTypeOf<{ op: 'eq'; field: 'name'; value: number }>().not.toExtend<Either>();
  });
});

describe('an expression without a shape', () => {
  test('takes any field and any scalar', () => {
    expectTypeOf<{ op: 'eq'; field: string; value: string }>().toExtend<RvfFilterExpr>();
    expectTypeOf<{ op: 'contains'; field: string; value: boolean }>().toExtend<RvfFilterExpr<RvfMetadata>>();
    expectTypeOf<{ op: 'lt'; field: string; value: number }>().toExtend<
      RvfFilterExpr<Record<string, unknown>>
    >();
    expectTypeOf<{ op: 'in'; field: string; values: string[] }>().toExtend<RvfFilterExpr<object>>();
    expectTypeOf<{ op: 'eq'; field: string; value: null }>().toExtend<RvfFilterExpr>();
    expectTypeOf<{ op: 'lt'; field: string; value: null }>().not.toExtend<RvfFilterExpr>();
    expectTypeOf<{ op: 'eq'; value: string }>().not.toExtend<RvfFilterExpr>();
  });

  test('is what an expression over any shape is', () => {
    expectTypeOf<Filter>().toExtend<RvfFilterExpr>();
    expectTypeOf<RvfFilterExpr>().not.toExtend<Filter>();
    expectTypeOf<RvfQueryOptions<Page>>().toExtend<RvfQueryOptions>();
    expectTypeOf<RvfDatabase<Page>>().toExtend<RvfDatabase>();
  });
});

test('expressions of version 0.2 are accepted everywhere', () => {
  expectTypeOf<PublishedFilter>().toExtend<RvfFilterExpr>();
  expectTypeOf<PublishedFilter>().toExtend<Filter>();
  expectTypeOf<{ op: 'contains'; fieldId: number; value: string }>().toExtend<Filter>();
  expectTypeOf<{ op: 'eq'; fieldId: number; field: 'section'; value: string }>().not.toExtend<Filter>();
});

describe('the builder', () => {
  const page = where<Page>();

  test('has the methods that fit the field, and no others', () => {
    expectTypeOf(page('section').is).parameters.toEqualTypeOf<[string]>();
    expectTypeOf(page('kind').in).parameter(0).toEqualTypeOf<readonly ('page' | 'post')[]>();
    expectTypeOf(page('level').below).parameter(0).toEqualTypeOf<number>();
    expectTypeOf(page('made').between).parameters.toEqualTypeOf<[string, string]>();
    expectTypeOf(page('tags').hasAny).parameter(0).toEqualTypeOf<readonly string[]>();
    expectTypeOf(page('open')).not.toHaveProperty('below');
    expectTypeOf(page('size')).not.toHaveProperty('startsWith');
    expectTypeOf(page('tags')).not.toHaveProperty('is');
    expectTypeOf(page('section')).not.toHaveProperty('has');
    expectTypeOf<keyof ReturnType<typeof page<'author'>>>().toEqualTypeOf<'exists' | 'isMissing'>();
    // @ts-expect-error There is no such field.
    page('sectoin');
  });

  test('keeps the shape through a sentence, and does not mix and with or', () => {
    const both = page('section').is('games').and('size').below(1e6).and(page('tags').has('new'));
    const either = page('section').is('games').or('size').below(1e6);
    expectTypeOf(both).toExtend<Filter>();
    expectTypeOf(both).not.toHaveProperty('or');
    expectTypeOf(either).not.toHaveProperty('and');
    expectTypeOf(anyOf(both, either).and('open').is(true)).toExtend<Filter>();
    expectTypeOf(anyOf(both, either)).not.toExtend<RvfFilterExpr<{ other: number }>>();
    // @ts-expect-error A size is no string.
    page('section').is('games').and('size').is('big');
    expectTypeOf(where('anything').has(1).and('more').startsWith('x')).toExtend<RvfFilterExpr>();
  });
});

describe('a MongoDB-like filter', () => {
  test('is typed by the shape that its answer is for', () => {
    const options: RvfQueryOptions<Page> = {
      filter: fromMongo({ section: 'games', size: { $gt: 1, $lt: 5 } }),
    };
    expectTypeOf(options.filter).toEqualTypeOf<Filter | undefined>();
    expectTypeOf(fromMongo<Page>).returns.toEqualTypeOf<Filter>();
    expectTypeOf<{ $or: { tags: { $containsAny: string[] } }[] }>().toExtend<RvfMongoFilter<Page>>();
    expectTypeOf<{ made: { $gte: Date } }>().toExtend<RvfMongoFilter<Page>>();
    expectTypeOf<{ size: { $gt: string } }>().not.toExtend<RvfMongoFilter<Page>>();
    // @ts-expect-error There is no such field.
    fromMongo<Page>({ sectoin: 'games' });
  });

  test('is any object where there is no shape', () => {
    expectTypeOf<Record<string, unknown>>().toExtend<RvfMongoFilter>();
    expectTypeOf<Record<string, unknown>>().toExtend<RvfMongoFilter<RvfMetadata>>();
    expectTypeOf(fromMongo({ anything: { $exists: true } })).toExtend<RvfFilterExpr>();
  });
});
