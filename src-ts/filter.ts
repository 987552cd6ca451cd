/** A value that a filter compares with. */
export type RvfFilterValue = number | string | boolean;

/** Names of the top-level keys of `M`; any string where `M` does not say which it has. */
export type RvfFieldName<M> = [keyof M] extends [never] ? string : Extract<keyof M, string>;

/** The field a comparison looks at: by its name, or by the number that a schema gives it. */
export type RvfFieldReference<M = unknown> =
  | { field: RvfFieldName<M>; fieldId?: undefined }
  | { fieldId: number; field?: undefined };

/**
 * A condition on metadata. This version refuses filters with `NotSupportedHere`; the type is here so that programs which
 * mention it compile.
 */
export type RvfFilterExpr<M = unknown> =
  | (RvfFieldReference<M> & { op: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge'; value: RvfFilterValue })
  | (RvfFieldReference<M> & { op: 'in'; values: RvfFilterValue[] })
  | (RvfFieldReference<M> & { op: 'range'; low: RvfFilterValue; high: RvfFilterValue })
  | { op: 'and' | 'or'; exprs: RvfFilterExpr<M>[] }
  | { op: 'not'; expr: RvfFilterExpr<M> };
