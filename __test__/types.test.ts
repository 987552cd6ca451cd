import {
  type DistanceMetric,
  type RvfAbortSignal,
  RvfDatabase,
  RvfError,
  RvfErrorCode,
  type RvfFilterExpr,
  type RvfIngestEntry,
  type RvfMetadata,
  type RvfOptions,
  type RvfRow,
  type RvfScoredResult,
  type RvfSearchResult,
  type RvfStatus,
  type RvfVectorInput,
} from '@ruvector/rvf';
import { expectTypeOf, test } from 'vitest';

interface Note {
  title: string;
  tags?: string[];
}

test('metadata has the shape that the database was opened for', () => {
  expectTypeOf(RvfDatabase.open<Note>).returns.resolves.toEqualTypeOf<RvfDatabase<Note>>();
  expectTypeOf<RvfDatabase<Note>['query']>().returns.resolves.items.toEqualTypeOf<RvfScoredResult<Note>>();
  expectTypeOf<RvfScoredResult<Note>['metadata']>().toEqualTypeOf<Note | undefined>();
  expectTypeOf<RvfDatabase<Note>['querySync']>().returns.items.toEqualTypeOf<RvfScoredResult<Note>>();
  expectTypeOf<RvfDatabase<Note>['get']>().returns.resolves.items.toEqualTypeOf<RvfRow<Note>>();
  expectTypeOf<RvfDatabase<Note>['insert']>().parameter(2).toEqualTypeOf<Note | undefined>();
  expectTypeOf<RvfIngestEntry<Note>>().not.toExtend<RvfIngestEntry<{ title: number }>>();
});

test('without a shape it is any JSON value', () => {
  expectTypeOf(RvfDatabase.open).returns.resolves.toEqualTypeOf<RvfDatabase>();
  expectTypeOf<Record<string, unknown>>().toExtend<RvfMetadata>();
  expectTypeOf<Record<string, number | string | boolean>>().toExtend<RvfMetadata>();
  expectTypeOf<Note[]>().toExtend<RvfMetadata>();
  expectTypeOf<null>().toExtend<RvfMetadata>();
  expectTypeOf<bigint>().not.toExtend<RvfMetadata>();
  expectTypeOf<RvfMetadata>().not.toBeAny();
});

test('filters name fields of the shape, or any field where there is none', () => {
  expectTypeOf<{ op: 'eq'; field: 'title'; value: string }>().toExtend<RvfFilterExpr<Note>>();
  expectTypeOf<{ op: 'eq'; field: 'titel'; value: string }>().not.toExtend<RvfFilterExpr<Note>>();
  expectTypeOf<{ op: 'eq'; field: 'anything'; value: string }>().toExtend<RvfFilterExpr>();
  expectTypeOf<{ op: 'in'; fieldId: number; values: number[] }>().toExtend<RvfFilterExpr<Note>>();
  expectTypeOf<{ op: 'eq'; value: string }>().not.toExtend<RvfFilterExpr>();
});

test('what is synchronous is no promise, and the rest is', () => {
  expectTypeOf<RvfDatabase['metric']>().returns.toEqualTypeOf<DistanceMetric>();
  expectTypeOf<RvfDatabase['freeze']>().returns.toEqualTypeOf<number>();
  expectTypeOf<RvfDatabase['indexStats']>().returns.toHaveProperty('indexedVectors').toEqualTypeOf<number>();
  expectTypeOf<RvfDatabase['verifyWitness']>().returns.toHaveProperty('valid').toEqualTypeOf<boolean>();
  expectTypeOf<RvfDatabase['close']>().returns.toEqualTypeOf<Promise<void>>();
  expectTypeOf<RvfDatabase['status']>().returns.resolves.toEqualTypeOf<RvfStatus>();
  expectTypeOf<RvfDatabase>().toExtend<AsyncDisposable>();
  expectTypeOf<ReturnType<RvfDatabase['iterate']>>().toExtend<AsyncIterable<RvfRow>>();
});

test('vectors of every type are given and come back in arrays of their own', () => {
  expectTypeOf<{ dimensions: number; dtype: 'f16' | 'int8' | undefined }>().toExtend<RvfOptions>();
  expectTypeOf<{ dimensions: number; dtype: 'binary' }>().not.toExtend<RvfOptions>();
  expectTypeOf<Uint16Array | Int8Array>().toExtend<RvfVectorInput>();
  expectTypeOf<Int32Array>().not.toExtend<RvfVectorInput>();
  expectTypeOf<RvfRow['vector']>().toEqualTypeOf<Float32Array | Int8Array | Uint8Array | undefined>();
  expectTypeOf<RvfStatus['dtype']>().toEqualTypeOf<'f32' | 'f16' | 'int8' | 'binary' | undefined>();
});

test('results of a database always have a score, those of a backend may', () => {
  expectTypeOf<RvfScoredResult['score']>().toEqualTypeOf<number>();
  expectTypeOf<{ id: string; distance: number }>().toExtend<RvfSearchResult>();
});

test('options take undefined where they may be left out', () => {
  expectTypeOf<{ dimensions: number; metric: undefined }>().toExtend<RvfOptions>();
  expectTypeOf<AbortSignal>().toExtend<RvfAbortSignal>();
  expectTypeOf<{ metric: 'cosine' }>().not.toExtend<RvfOptions>();
  expectTypeOf<{ dimensions: number; metric: 'euclid' }>().not.toExtend<RvfOptions>();
});

test('errors have a code that can be compared', () => {
  expectTypeOf<RvfError['code']>().toEqualTypeOf<RvfErrorCode>();
  expectTypeOf(RvfError.fromNative).parameter(0).toBeUnknown();
  expectTypeOf(RvfErrorCode.StoreClosed).toExtend<number>();
});
