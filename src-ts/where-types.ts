import type {
  RvfElementOf,
  RvfFieldName,
  RvfFieldType,
  RvfFilterExpr,
  RvfOrderedOf,
  RvfScalarOf,
} from './filter.js';

/** Only where `Operand` can be given: what takes a `never` is left out, and so cannot be called. */
type Where<Operand, Methods> = [Operand] extends [never] ? unknown : Methods;

/** What can be said of any field. */
export interface RvfPresence<Result> {
  /** The entry has the field, be it null. */
  exists(): Result;
  /** The entry does not have the field. */
  isMissing(): Result;
}

/** What can be said of a field that holds a string, a number or a boolean, or null. */
export interface RvfEquality<Value, Result> {
  is(value: Value): Result;
  /** Also where the field is missing or of another type: add `.and(field).exists()` to leave those out. */
  isNot(value: Value): Result;
  /** The field is one of the values; an empty list matches nothing. */
  in(values: readonly Value[]): Result;
  /** The field is none of the values; also where it is missing. */
  notIn(values: readonly Value[]): Result;
}

/** What can be said of a field that holds a string or a number. */
export interface RvfOrder<Value, Result> {
  /** Greater than `value`. */
  above(value: Value): Result;
  /** `value` or greater. */
  atLeast(value: Value): Result;
  /** Less than `value`. */
  below(value: Value): Result;
  /** `value` or less. */
  atMost(value: Value): Result;
  /** From `low`, which is included, up to `high`, which is not: neighbouring ranges share nothing. */
  between(low: Value, high: Value): Result;
}

/** What can be said of a field that holds a string. */
export interface RvfText<Result> {
  /** Compares bytes: upper and lower case differ. */
  startsWith(prefix: string): Result;
}

/** What can be said of a field that holds an array of strings, numbers or booleans. */
export interface RvfElements<Value, Result> {
  /** The array has `value`. */
  has(value: Value): Result;
  /** The array has one of the values, or several; an empty list matches nothing. */
  hasAny(values: readonly Value[]): Result;
  /** The array has each of the values; an empty list matches every array. */
  hasAll(values: readonly Value[]): Result;
}

/** What follows the name of a field of type `T`. It has the methods that fit the type, and no others. */
export type RvfSubject<T, Result> = RvfPresence<Result> &
  Where<RvfScalarOf<T>, RvfEquality<RvfScalarOf<T>, Result>> &
  Where<RvfOrderedOf<T>, RvfOrder<RvfOrderedOf<T>, Result>> &
  Where<Extract<RvfOrderedOf<T>, string>, RvfText<Result>> &
  Where<RvfElementOf<T>, RvfElements<RvfElementOf<T>, Result>>;

/** Adds a condition on a field, or a whole filter. */
export interface RvfConnective<M, Result> {
  <K extends RvfFieldName<M>>(field: K): RvfSubject<RvfFieldType<M, K>, Result>;
  (filter: RvfFilterExpr<M>): Result;
}

/** A filter to which more can be added. */
export type RvfClause<M = unknown> = RvfFilterExpr<M> & {
  /** Both must hold. */
  readonly and: RvfConnective<M, RvfConjunction<M>>;
  /** Either must hold. */
  readonly or: RvfConnective<M, RvfDisjunction<M>>;
};

/**
 * A filter all of whose conditions must hold. It has no `or`, as nobody can say what "a and b or c" means; write
 * `anyOf(allOf(a, b), c)` or `a.and(anyOf(b, c))`.
 */
export interface RvfConjunction<M = unknown> {
  readonly op: 'and';
  readonly exprs: readonly RvfFilterExpr<M>[];
  /** All must hold. */
  readonly and: RvfConnective<M, RvfConjunction<M>>;
}

/**
 * A filter of whose conditions any must hold. It has no `and`, as nobody can say what "a or b and c" means; write
 * `allOf(anyOf(a, b), c)` or `a.or(allOf(b, c))`.
 */
export interface RvfDisjunction<M = unknown> {
  readonly op: 'or';
  readonly exprs: readonly RvfFilterExpr<M>[];
  /** Any must hold. */
  readonly or: RvfConnective<M, RvfDisjunction<M>>;
}

/** Begins a filter with a field of `M`. */
export type RvfWhere<M> = <K extends RvfFieldName<M>>(
  field: K,
) => RvfSubject<RvfFieldType<M, K>, RvfClause<M>>;
