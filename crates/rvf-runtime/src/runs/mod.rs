//! Runs: vectors, ids and metadata of consecutive rows, and newer metadata of single rows. A run of the tail is on the heap, a stored one is used where it
//! lies in the file; both have the same layout, so that merging and reading are the same code.

mod columns;
mod hot;
mod ids;
mod list;
mod merge;
mod meta;
mod overlay;
mod vectors;

pub(crate) use hot::{HotPlaces, HotRows, are_in_order, hot_front};
pub(crate) use ids::{IdRun, epoch_of};
pub(crate) use list::{Run, RunList};
pub(crate) use merge::{MergePolicy, RunSize, plan_merges};
pub(crate) use meta::{MetaRun, encode_meta};
pub(crate) use overlay::{OverlayRun, are_overgrown, encode_overlay, join_on_heap, join_overlays, newest_texts};
pub(crate) use vectors::{KeptRow, VectorRun, packed_header};
