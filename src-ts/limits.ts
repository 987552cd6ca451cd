/** Every limit the SDK enforces, by name; the numbers are those of the engine (`rvf-types::limits`). */

/** Most elements of a vector (bits, for hamming). */
export const DIMENSION_MAX = 65_536;
/** Most UTF-8 bytes of an id. */
export const ID_BYTES_MAX = 1_024;
/** Most UTF-8 bytes of an entry's metadata, as JSON text. */
export const METADATA_BYTES_MAX = 65_536;
/** Deepest nesting of an entry's metadata; `{}` is one level deep. */
export const METADATA_DEPTH_MAX = 32;
/** Most entries of one batch. */
export const BATCH_ENTRIES_MAX = 4_000_000;
/** Most bytes of all ids, or of all metadata, of one batch: offsets into them are 32 bits wide. */
export const BATCH_TEXT_BYTES_MAX = 0xffff_ffff;
/** Most neighbours a query may ask for. */
export const K_MAX = 100_000;
/** Most vectors of one batch query. */
export const QUERY_BATCH_MAX = 100_000;
/** Most rows that an iteration fetches at once. */
export const ITERATE_BATCH_MAX = 100_000;
/** Most edges per node and layer of the graph. */
export const M_MAX = 256;
/** Widest beam of a graph build. */
export const EF_CONSTRUCTION_MAX = 10_000;
/** Widest beam of a search. */
export const EF_SEARCH_MAX = 100_000;
/** Most UTF-8 bytes of the name of an embedding model. */
export const EMBEDDING_MODEL_BYTES_MAX = 256;
/** Fewest vectors that a quantiser is learned from. */
export const TRAINING_ROWS_MIN = 256;
/** Most vectors that a quantiser is learned from. */
export const TRAINING_ROWS_MAX = 262_144;
/** Vectors that a quantiser is learned from where nothing else is asked for. */
export const TRAINING_ROWS = 16_384;
/** Least share of the entries that tiering can keep as they were. */
export const HOT_SHARE_MIN = 0.01;
/** Largest share of the entries that tiering can keep as they were. */
export const HOT_SHARE_MAX = 0.5;
/** Share of the entries that tiering keeps as they were where nothing else is asked for. */
export const HOT_SHARE = 0.1;
/** Longest time span, in milliseconds: what a timer can wait. */
export const TIMEOUT_MS_MAX = 2_147_483_647;
/** How long synchronous writes wait behind queued ones when `busyTimeoutMs` is not given. */
export const SYNC_BUSY_TIMEOUT_MS = 5_000;
/** Deepest nesting of a filter; a single condition is one level deep. */
export const FILTER_DEPTH_MAX = 64;
/** Most conditions of a filter, `and`, `or` and `not` included. */
export const FILTER_NODES_MAX = 1_024;
/** Most values of one list of a filter. */
export const FILTER_VALUES_MAX = 100_000;
/** Most characters of a filter as JSON text. */
export const FILTER_TEXT_MAX = 67_108_864;
/** Highest number that a schema gives a field. */
export const FIELD_ID_MAX = 4_294_967_295;
/** Most fields that a schema declares. */
export const SCHEMA_FIELDS_MAX = 1_024;
/** Most UTF-8 bytes of the name of a field that a schema declares. */
export const SCHEMA_NAME_BYTES_MAX = 1_024;
/** Most bytes of a schema, as JSON text. */
export const SCHEMA_BYTES_MAX = 1_048_576;
/** Most rows of one page of a list or of changes. */
export const PAGE_ROWS_MAX = 100_000;
