import type { RvfElementOf, RvfFieldName, RvfFieldType, RvfOrderedOf, RvfScalarOf } from './filter.js';

/** The operators on a field of type `T`, as MongoDB, Mastra, AgentDB, LangChain, Pinecone and Chroma write them. */
export interface RvfMongoOperators<T = unknown> {
  /** Null also stands for a missing field. */
  $eq?: RvfScalarOf<T> | null;
  $ne?: RvfScalarOf<T> | null;
  $gt?: RvfOrderedOf<T> | Date;
  $gte?: RvfOrderedOf<T> | Date;
  /** Another name for `$gte`. */
  $ge?: RvfOrderedOf<T> | Date;
  $lt?: RvfOrderedOf<T> | Date;
  $lte?: RvfOrderedOf<T> | Date;
  /** Another name for `$lte`. */
  $le?: RvfOrderedOf<T> | Date;
  $in?: readonly (RvfScalarOf<T> | null)[];
  $nin?: readonly (RvfScalarOf<T> | null)[];
  /** `[low, high]`: low <= x < high. */
  $range?: readonly [low: RvfOrderedOf<T>, high: RvfOrderedOf<T>];
  $exists?: boolean;
  $startsWith?: Extract<RvfOrderedOf<T>, string>;
  /** The field is an array with this element; given an array, with each of its elements. */
  $contains?: RvfElementOf<T> | readonly RvfElementOf<T>[];
  $not_contains?: RvfElementOf<T>;
  $containsAny?: readonly RvfElementOf<T>[];
  $containsAll?: readonly RvfElementOf<T>[];
  /** Another name for `$containsAll`. */
  $all?: readonly RvfElementOf<T>[];
  $not?: RvfMongoOperators<T>;
}

/** A MongoDB-like filter over metadata of the shape `M`; where `M` names no fields, any object. */
export type RvfMongoFilter<M = unknown> =
  string extends RvfFieldName<M>
    ? { readonly [field: string]: unknown }
    : {
        readonly [K in RvfFieldName<M>]?:
          | RvfScalarOf<RvfFieldType<M, K>>
          | null
          | Date
          | RvfMongoOperators<RvfFieldType<M, K>>;
      } & {
        readonly $and?: readonly RvfMongoFilter<M>[];
        readonly $or?: readonly RvfMongoFilter<M>[];
        readonly $nor?: readonly RvfMongoFilter<M>[];
        readonly $not?: RvfMongoFilter<M>;
      };

/** Options of {@link fromMongo}. */
export interface RvfMongoOptions {
  /**
   * Whether `$eq`, `$ne`, `$in`, `$nin` and plain values look into arrays too, as those of MongoDB, Pinecone and Mastra
   * do: `{ tags: 'new' }` then matches `tags: ['new', 'hot']`. Default `false`: they never match an array, and
   * `$contains` asks for its elements.
   */
  matchArrays?: boolean | undefined;
}
