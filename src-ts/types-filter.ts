import type { RvfFieldName, RvfFilterExpr } from './filter.js';
import type {
  RvfAbortSignal,
  RvfCallOptions,
  RvfGetOptions,
  RvfIngestResult,
  RvfMetadata,
  RvfRow,
  RvfScoredResult,
} from './types.js';

/** What a declared field holds: a scalar, or an array of scalars of one type. */
export type RvfSchemaType = 'string' | 'number' | 'boolean' | 'string[]' | 'number[]' | 'boolean[]';

/** A field that a store declares. Others stay possible, and can be filtered by as well. */
export interface RvfSchemaField<M = unknown> {
  /** A top-level key of the metadata, at most 1,024 UTF-8 bytes; each once. */
  field: RvfFieldName<M>;
  /** Metadata with another type in this field is refused. */
  type: RvfSchemaType;
  /** Number by which filters may name the field as `fieldId`, 0 to 4,294,967,295; each once. */
  fieldId?: number | undefined;
}

/** What can cancel a write. */
export interface RvfWriteOptions {
  /** Cancels the call, which then rejects with the signal's `reason`, unless it had its effect already. */
  signal?: RvfAbortSignal | undefined;
}

/** Options of `list`. */
export interface RvfListOptions<M extends RvfMetadata = RvfMetadata> extends RvfGetOptions, RvfCallOptions {
  /** Only entries that fit. Default: all. */
  filter?: RvfFilterExpr<M> | undefined;
  /** Most rows of the page, 1 to 100,000. Default 100. */
  limit?: number | undefined;
  /** The `cursor` of the page before, which was asked for with the same filter. */
  cursor?: string | undefined;
}

/** One page of entries, in the order in which they were stored. */
export interface RvfPage<M extends RvfMetadata = RvfMetadata> {
  rows: RvfRow<M>[];
  /** Where the next page begins; absent on the last page. */
  cursor?: string;
}

/** Options of `queryByFilter`. */
export interface RvfFilterQueryOptions extends RvfGetOptions, RvfCallOptions {
  /** Most rows, 1 to 100,000. Without it, more than 100,000 are an error instead of a part of the answer. */
  limit?: number | undefined;
}

/**
 * A JSON merge patch (RFC 7386) for metadata of the shape `M`: null removes a key, objects merge within, everything else,
 * arrays too, replaces.
 */
export type RvfMetadataPatch<M> = M extends readonly unknown[]
  ? never
  : M extends object
    ? { [K in keyof M]?: RvfPatchValue<M[K]> | null | undefined }
    : never;

/** What a patch has for a value of type `T`: a patch of it where it is an object, or another value. */
export type RvfPatchValue<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? RvfMetadataPatch<T> | T
    : T;

/** What became of an update of metadata. */
export interface RvfUpdateResult {
  /** Entries whose metadata is another now. */
  updated: number;
  /** Number of the commit, or of the last one where nothing changed. */
  epoch: number;
}

/** What became of a replacement. */
export interface RvfReplaceResult extends RvfIngestResult {
  /** Entries that fitted the filter, and are gone or replaced. */
  deleted: number;
}

/** Options of `changes`. */
export interface RvfChangesOptions extends RvfGetOptions {
  /** Most rows of the page, 1 to 100,000. Default 1,000. */
  limit?: number | undefined;
  /** The `cursor` of the page before, which was asked for with the same `sinceEpoch`. */
  cursor?: string | undefined;
}

/** An entry that was stored or changed. */
export interface RvfChangedRow<M extends RvfMetadata = RvfMetadata> extends RvfRow<M> {
  /** Number of the commit that stored or changed it last. */
  epoch: number;
}

/** One page of what became of entries since a commit. */
export interface RvfChanges<M extends RvfMetadata = RvfMetadata> {
  /** Entries that were stored or changed and are there, each as it is now, those changed first in front. */
  upserted: RvfChangedRow<M>[];
  /** Ids that were stored then and are not now. On the last page only. */
  deleted: string[];
  /**
   * Number of the commit that the pages lead to, the newest one when the first was asked for: the next `sinceEpoch`, once
   * `cursor` is absent. What was written later comes then.
   */
  epoch: number;
  /** Where the next page begins; absent on the last page. */
  cursor?: string;
}

/** What the indexes know of one condition. */
export interface RvfConditionPlan {
  /** Where the condition stands in the filter, as `filter.exprs[0]`. */
  path: string;
  /** At least so many rows fit the condition, those of deleted entries among them. */
  low: number;
  /** At most so many. */
  high: number;
}

/** How a filter is answered. */
export interface RvfFilterPlan {
  /** Entries of the store. */
  rows: number;
  /** Share of the entries that the indexes' counts alone let expect, 0 to 1. */
  estimated: number;
  /** Entries that fit. */
  matched: number;
  /** Share of the entries that fit, 0 to 1. */
  selectivity: number;
  /** Rows whose metadata has indexes. */
  indexedRows: number;
  /** Rows whose metadata has none yet and is read. */
  unindexedRows: number;
  /** Rows whose metadata was read as text, as indexes did not say whether they fit. */
  checkedRows: number;
  /** Each condition on a field, in the order of the filter. */
  conditions: RvfConditionPlan[];
}

/** How a query was answered. */
export interface RvfQueryPlan {
  /**
   * `graph`: the graph led to the nearest, and rows that it does not have yet were all compared. `scan`: all vectors were
   * compared. `matches`: only those of entries known to fit the filter. `codes`: the codes of entries that fit the filter, and
   * the vectors of those that came out nearest. `check`: some entries were checked by the text of their metadata while the
   * vectors were compared.
   */
  strategy: 'graph' | 'scan' | 'matches' | 'codes' | 'check';
  /** Whether the hits are certainly the nearest. */
  exact: boolean;
  /** Entries of the store. */
  rows: number;
  /** Vectors that were compared, by themselves or by their codes. */
  visited: number;
  /** With `graph` and `codes`: those of them that the graph does not have yet; else 0. */
  unindexedRows: number;
  /** How the filter was answered; absent where there was none. */
  filter?: RvfFilterPlan;
}

/** Hits, the nearest first. */
export type RvfHits<M extends RvfMetadata = RvfMetadata> = RvfScoredResult<M>[] & {
  /** With `explain`: how the query was answered. Not enumerable, so that the hits remain an array like any other. */
  readonly plan?: RvfQueryPlan;
};
