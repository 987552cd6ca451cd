//! Bytes to structs and back, for every segment kind of the `.rvf` format (version 2).
//!
//! Pure functions over byte slices: this crate knows no file, clock, thread or path. Every reader treats its input as
//! hostile: it answers a [`WireError`], never a panic, and allocates no more than its input justifies. Payloads that are
//! used in place (vectors, ids, metadata) are described by a *layout*, which tells at what byte a thing lies, so that a
//! caller can check just the blocks it touches.
#![no_std]

extern crate alloc;

mod block_table;
mod bytes;
mod error;
mod extent;
mod hash;
mod head;
mod header;
mod hot;
mod ids;
mod index;
mod journal;
mod meta;
mod quant;
mod quantiser;
pub mod sabotage;
mod sketch;
mod vectors;
mod witness;

pub use block_table::{block_count, block_hash, block_table};
pub use bytes::{pad_to, read_array, read_u16, read_u32, read_u64, slice};
pub use error::WireError;
pub use extent::{Extent, align_up};
pub use hash::{ContentHasher, content_hash, id_hash};
pub use head::{ANCHOR_OFFSETS, Anchor, HEAD_BYTES, Head};
pub use header::{FORMAT_VERSION, HEADER_BYTES, HashAlgorithm, SEGMENT_MAGIC, SegmentHeader};
pub use hot::{HOT_HEADER_BYTES, HotHeader};
pub use ids::{IDS_HEADER_BYTES, IdsBuilder, IdsLayout};
pub use index::{INDEX_HEADER_BYTES, IndexHeader};
pub use journal::{JOURNAL_HEADER_BYTES, Journal, JournalBuilder, Operation, Upsert, WITNESS_ENTRY_BYTES};
pub use meta::{META_HEADER_BYTES, MetaBuilder, MetaLayout, OverlayBuilder};
pub use quant::{CodeKind, QUANT_HEADER_BYTES, QuantHeader};
pub use quantiser::{QUANTISER_HEADER_BYTES, QuantiserHeader};
pub use sketch::{SKETCH_HEADER_BYTES, SKETCH_ROWS, SketchPayload, sketch_places};
pub use vectors::{VEC_HEADER_BYTES, VecHeader};
pub use witness::{WITNESS_HEADER_BYTES, WitnessRun};
