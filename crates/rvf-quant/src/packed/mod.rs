//! Packed vectors: all that a store with `compression` keeps of its vectors.
//!
//! Unlike [`crate::codes`], which only lead to rows that are then compared by their vectors, packed rows are what
//! answers are ranked by and what is handed out. So a row can be decoded, at the vector's own length, and there are two
//! distances: a quick estimate from integers, for walks ([`PackedScorer::distances`]), and the distance of the query,
//! as it is, from the decoded row ([`PackedScorer::distances_of`]).
//!
//! Some packings are trained on a sample of the vectors. What training leaves, the [`Quantiser`], is part of the store:
//! rows can be read only with the one they were packed with.
//!
//! `docs/packed.md` has what each packing reaches, and what else was tried.

mod binary;
mod centre;
mod header;
mod layout;
mod product;
mod quantiser;
mod scalar;
mod scorer;
mod table;
mod trained;

pub use layout::{PackedLayout, Packing};
pub use quantiser::Quantiser;
pub use scorer::PackedScorer;
pub use table::PackedTable;
