/** A value that a filter compares with; fields that may be null are compared with null, too. */
export type RvfFilterValue = number | string | boolean;

type Nullable = RvfFilterValue | null;

/** Top-level keys of `M`, of each of its members where it is a union; never where it does not say which it has. */
type KeysOf<M> = M extends readonly unknown[] ? never : M extends object ? Extract<keyof M, string> : never;

/** What `M` has under `K`, in whichever of its members has it. */
type PropertyOf<M, K> = M extends object ? (K extends keyof M ? M[K] : never) : never;

/** What `JSON.stringify` makes of a value: a `Date` is stored, and compared, as a string. */
type JsonFormOf<T> = T extends { toJSON(...options: never[]): infer J } ? J : T;

/** What an array holds; of an unknown type it may be anything. */
type ElementOf<T> = unknown extends T ? unknown : T extends readonly (infer E)[] ? E : never;

/** Texts and numbers have an order, also beyond the literals that a type names: `rating: 1 | 2 | 3` can be below 2.5. */
type Widened<T> = (T extends string ? string : never) | (T extends number ? number : never);

/** Names of the top-level keys of `M`; any string where `M` does not say which it has. */
export type RvfFieldName<M> = [KeysOf<M>] extends [never] ? string : KeysOf<M>;

/** Type of the field `K` of `M`; `unknown` where `M` does not say which fields it has. */
export type RvfFieldType<M, K> = [KeysOf<M>] extends [never] ? unknown : PropertyOf<M, K>;

/** What a field of type `T` is compared with; any scalar, or null, where the type is unknown. */
export type RvfScalarOf<T> = unknown extends T ? Nullable : Extract<JsonFormOf<T>, Nullable>;

/** What a field of type `T` is ordered by: numbers and strings, as booleans have no order. */
export type RvfOrderedOf<T> = Widened<RvfScalarOf<T>>;

/** What elements of a field of type `T` are compared with, where it is an array. */
export type RvfElementOf<T> = RvfScalarOf<ElementOf<T>>;

/** The conditions on one field, which `Reference` names: those whose operand is of type `never` do not exist for it. */
type Conditions<Reference, Scalar, Ordered, Prefix, Element> =
  | (Reference & { op: 'eq' | 'ne'; value: Scalar })
  | (Reference & { op: 'lt' | 'le' | 'gt' | 'ge'; value: Ordered })
  | (Reference & { op: 'in' | 'nin'; values: readonly Scalar[] })
  | (Reference & { op: 'range'; low: Ordered; high: Ordered })
  | (Reference & { op: 'startsWith'; value: Prefix })
  | (Reference & { op: 'contains'; value: Element })
  | (Reference & { op: 'containsAny' | 'containsAll'; values: readonly Element[] })
  | (Reference & { op: 'exists' });

/** The conditions on the field `K`, which has the type `T`. */
type ConditionsOn<K, T> = Conditions<
  { field: K; fieldId?: undefined },
  RvfScalarOf<T>,
  RvfOrderedOf<T>,
  Extract<RvfOrderedOf<T>, string>,
  RvfElementOf<T>
>;

/**
 * A condition on a field that goes by the number which the store's schema gives it. Its type is not known here. A boolean
 * is accepted where version 0.2 accepted it, and refused when the filter is used: it has no order.
 */
export type RvfNumberedCondition = Conditions<
  { fieldId: number; field?: undefined },
  Nullable,
  RvfFilterValue,
  string,
  Nullable
>;

/** The conditions on each field of `M`, by its name. */
type ConditionsByField<M> = {
  // Renaming, to the same name, keeps the compiler from comparing what it has not resolved yet: it compares
  // `RvfDatabase<Note>` with `RvfDatabase` by its members then, and they fit.
  [K in RvfFieldName<M> as `${K}`]-?: ConditionsOn<K, RvfFieldType<M, K>>;
};

/** A condition on a field that goes by its name. */
export type RvfFieldCondition<M = unknown> = ConditionsByField<M>[keyof ConditionsByField<M>];

/**
 * A condition on metadata.
 *
 * | `op` | holds where |
 * |---|---|
 * | `eq`, `ne` | the field is `value`; it is not |
 * | `lt`, `le`, `gt`, `ge` | the field is below, at most, above, at least `value` |
 * | `in`, `nin` | the field is one of `values`; it is none of them |
 * | `range` | `low` <= field < `high` |
 * | `startsWith` | the field is a string that starts with `value` |
 * | `contains` | the field is an array with the element `value` |
 * | `containsAny`, `containsAll` | the field is an array with one of `values`; with each of them |
 * | `exists` | the entry has the field, be it null |
 * | `and`, `or`, `not` | all of `exprs` hold, any of them does, `expr` does not |
 *
 * A field is a top-level key, taken literally; null is a value that only null equals. Strings compare by their UTF-8 bytes, -0 is 0, and `eq` never matches an
 * array. A missing field, or one of another type, matches no comparison; `ne`, `nin` and `not` are plain negation and so
 * match it. An empty `and` matches everything, an empty `or` nothing.
 *
 * At most 64 levels, 1,024 conditions, and 100,000 `values`; more is a `FilterParseError`.
 *
 * @typeParam M - Shape of the metadata. It gives the names of fields and the types of their values.
 */
export type RvfFilterExpr<M = unknown> =
  | RvfFieldCondition<M>
  | RvfNumberedCondition
  | { op: 'and' | 'or'; exprs: readonly RvfFilterExpr<M>[] }
  | { op: 'not'; expr: RvfFilterExpr<M> };
