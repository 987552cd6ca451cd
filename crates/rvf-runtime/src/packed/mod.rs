//! Packed rows: what a store with `compression` keeps of its vectors, the quantisers that they were packed by, how those
//! are learned, and when.

mod convert;
mod pack;
mod quantisers;
mod train;

pub(crate) use convert::{floats_of, vectors_of};
pub(crate) use pack::{is_packable, pack_rows, with_packed};
pub use quantisers::product_compression;
pub(crate) use quantisers::{Quantisers, StoredQuantiser, cold_layout, is_cold, packed_layout, write_quantisers};
pub(crate) use train::{train, wants_another};
