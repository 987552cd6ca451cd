//! The graph as bytes, used where they lie: in a mapping, without decoding.
//!
//! A graph is one **whole** payload and any number of **deltas** over it, oldest first. Each begins with the state of the
//! graph as of then:
//!
//! | at | type | what |
//! |---|---|---|
//! | 0 | u32 | version, 1 |
//! | 4 | u32 | rows `n`: all rows of the graph are smaller |
//! | 8 | u32 | rows that are in the graph |
//! | 12 | u16 | degree `d`: places for neighbours of each row |
//! | 14 | u16 | entries `e` |
//! | 16 | u32 | the row at which the next repair goes on looking for rows that nothing happened to |
//! | 20 | u32 | how many of those it owes, at most `n` |
//! | 24 | u32 | suspects `s`: rows that repair has yet to look for |
//! | 28 | u32 | 0 for a whole graph, 1 for a delta |
//! | 32 | u32 | delta: rows of the state that it follows, at most `n` |
//! | 36 | u32 | delta: rows `m` whose lists differ |
//! | 40 | u32 | delta: links `l` that it holds; then zeros |
//! | 64 | u32 each | the `e` rows where walks start, the `s` suspects in ascending order, zeros up to a multiple of 64 |
//!
//! What follows in a whole graph are `n` lists of `d` neighbours, u32 each; places that are free have `0xFFFF_FFFF` and
//! come last. With degree 32, lists are 128 bytes long and start on 64-byte boundaries of the payload.
//!
//! What follows in a delta:
//!
//! | type | what |
//! |---|---|
//! | u32 each | for each 256 rows, and for their end, how many of the `m` rows are smaller |
//! | u8 each | the `m` rows in ascending order, each modulo 256; zeros up to a multiple of 4 |
//! | u32 each | for each of the `m` rows, and for their end, where its links start; the highest bit says that they are added to the end of the earlier list, else they replace it |
//! | u32 each | the `l` links |
//!
//! So a row is looked for in the 256 it is among, without a walk through all `m`. A row with an empty list is not in the
//! graph, unless it is an entry. There is no upper level: `docs/graph-choice.md` says why.

mod delta;
mod header;
mod layers;
mod source;
mod write;

pub(crate) use header::Pending;
pub use layers::{FirstLayers, GraphLayers};
pub use source::GraphSource;
pub(crate) use write::{write, write_delta};

/// Version of the payload.
pub const GRAPH_VERSION: u32 = 1;
/// Bytes in front of the entries.
pub const GRAPH_HEADER_BYTES: usize = 64;

/// Rows whose changes a delta finds by one number.
const DELTA_GROUP_ROWS: u32 = 256;
/// Mark of links that are added to an earlier list.
const ADDED: u32 = 1 << 31;
