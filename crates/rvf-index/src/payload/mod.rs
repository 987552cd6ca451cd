//! The graph as bytes, used where they lie: in a mapping, without decoding.
//!
//! | at | type | what |
//! |---|---|---|
//! | 0 | u32 | version, 1 |
//! | 4 | u32 | rows `n`: all rows of the graph are smaller |
//! | 8 | u32 | rows that are in the graph |
//! | 12 | u16 | degree `d`: places for neighbours of each row |
//! | 14 | u16 | entries `e` |
//! | 16 | u32 | rows there were when every row was found by its own vector; then zeros |
//! | 64 | u32 each | the `e` rows where walks start, then zeros up to a multiple of 64 |
//! | then | u32 each | `n` lists of `d` neighbours; places that are free have `0xFFFF_FFFF` and come last |
//!
//! A row with an empty list is not in the graph, unless it is an entry. With degree 32, lists are 128 bytes long and
//! start on 64-byte boundaries of the payload. There is no upper level: `docs/graph-choice.md` says why.

mod reader;
mod writer;

pub use reader::{GraphReader, GraphSource};
pub(crate) use writer::write;

/// Version of the payload.
pub const GRAPH_VERSION: u32 = 1;
/// Bytes in front of the entries.
pub const GRAPH_HEADER_BYTES: usize = 64;

/// Byte of the first list.
fn lists_start(entries: usize) -> usize {
    GRAPH_HEADER_BYTES + (entries * 4).next_multiple_of(64)
}
