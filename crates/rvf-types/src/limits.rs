//! Every limit of the store, by name. Errors name the limit they enforce.

/// Most elements (bits for hamming) of a vector.
pub const DIMENSION_MAX: u32 = 65_536;
/// Most rows of a file, dead ones included; compaction gives dead rows back.
pub const ROWS_MAX: u32 = u32::MAX - 1;
/// Most bytes of an id, as UTF-8.
pub const ID_BYTES_MAX: usize = 1_024;
/// Most bytes of one entry's metadata, as JSON text.
pub const METADATA_BYTES_MAX: usize = 65_536;
/// Deepest nesting of one entry's metadata.
pub const METADATA_DEPTH_MAX: usize = 32;
/// Most entries of one batch.
pub const BATCH_ENTRIES_MAX: usize = 4_000_000;
/// Most bytes of one batch: vectors, ids and metadata together.
pub const BATCH_BYTES_MAX: u64 = 1 << 30;
/// Most neighbours a query may ask for.
pub const K_MAX: usize = 100_000;
/// Most vectors of one batch query.
pub const QUERY_BATCH_MAX: usize = 100_000;

/// Bytes of a segment header, and the boundary segments start on.
pub const SEGMENT_ALIGN_BYTES: u64 = 64;
/// Bytes of the block that has a hash of its own, and the boundary of large payloads.
pub const BLOCK_BYTES: u64 = 4_096;
/// Payloads above this start on a block boundary and carry a block table.
pub const BLOCK_TABLE_FROM_BYTES: u64 = 65_536;
/// Most bytes of a segment's payload, block table included. Longer data is split.
pub const SEGMENT_BYTES_MAX: u64 = 128 << 20;
/// Bytes at which the writer starts another segment.
pub const SEGMENT_SPLIT_BYTES: u64 = 64 << 20;
/// Bytes of metadata texts at which the writer starts another segment; their columns are made in memory.
pub const META_SPLIT_BYTES: u64 = 16 << 20;
/// Rows from which metadata gets columns and indexes; below, reading the texts is as fast.
pub const COLUMNS_FROM_ROWS: u32 = 64;
/// Most bytes of a schema, as JSON text.
pub const SCHEMA_BYTES_MAX: usize = 1 << 20;
/// Most bytes of a manifest's payload; it never carries a block table.
pub const MANIFEST_BYTES_MAX: u64 = 32 << 20;
/// Highest segment number, epoch and count of witness entries, so that all are exact in a JavaScript number.
pub const COUNTER_MAX: u64 = 1 << 53;
/// Most bytes of a file, so that every offset is exact in a JavaScript number.
pub const FILE_BYTES_MAX: u64 = 1 << 53;

/// Batches whose vectors take at least this many bytes are written in final form, smaller ones as a journal.
pub const FINAL_FORM_FROM_BYTES: usize = 256 << 10;
/// Most bytes that one crash can leave unfinished at the end of a file: one batch with its tables, behind what was not
/// synced yet.
pub const APPEND_BYTES_MAX: u64 = 2 << 30;
/// Unsynced bytes at which a writer syncs, whatever the store's durability.
pub const UNSYNCED_BYTES_MAX: u64 = 512 << 20;
/// Bytes of journals at which the writer syncs a group of waiting commits and starts another.
pub const GROUP_BYTES_MAX: u64 = 8 << 20;
/// Most journal bytes after the last checkpoint.
pub const TAIL_BYTES_MAX: u64 = 16 << 20;
/// Most journal bytes an opener replays; above this the file was not made by a writer that keeps the limits here.
pub const REPLAY_BYTES_MAX: u64 = 256 << 20;
/// Most segments after the last checkpoint.
pub const TAIL_SEGMENTS_MAX: u32 = 4_096;
/// Most batches in final form after the last checkpoint.
pub const TAIL_BATCHES_MAX: u32 = 64;
/// Runs of vectors above this are never rewritten by a checkpoint.
pub const RUN_REWRITE_BYTES_MAX: u64 = 1 << 20;
/// Runs of metadata above this are never rewritten by a checkpoint.
pub const META_REWRITE_BYTES_MAX: u64 = 8 << 20;
/// Overlays above this are never rewritten by a checkpoint.
pub const OVERLAY_REWRITE_BYTES_MAX: u64 = 4 << 20;
/// Codes of so many bytes are never rewritten by a checkpoint.
pub const CODE_REWRITE_BYTES_MAX: u64 = 16 << 20;
/// Fewest vectors that a quantiser is learned from.
pub const TRAINING_ROWS_MIN: u32 = 256;
/// Most vectors that a quantiser is learned from.
pub const TRAINING_ROWS_MAX: u32 = 262_144;
/// Quantisers that rows of one store may be packed by: after so many, rows go on with the newest until a compaction.
pub const QUANTISERS_MAX: usize = 8;
/// Most counters in one of a sketch's rows.
pub const SKETCH_WIDTH_MAX: u32 = 1 << 20;
/// Rows without a place in the graph at which a writer begins to give them one, in the background.
pub const INDEX_FROM_ROWS: u32 = 1_024;
/// Rows that stay without a place in the graph when a store is closed, without anything being done about it.
pub const CLOSE_INDEX_FROM_ROWS: u32 = 512;
/// Most rows that stay without a place in the graph when a store is closed.
pub const UNINDEXED_ROWS_MAX: u32 = 10_000;
/// Rows from which there is a progressive layer; fewer are read whole.
pub const COARSE_FROM_ROWS: u32 = 4_096;
/// How many small runs of about one size a checkpoint lets stand before it merges them.
pub const RUN_FAN_IN: usize = 8;
