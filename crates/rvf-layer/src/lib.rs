//! The progressive layer: a small part of a file, from which a reader with nothing else, cold or remote, answers a query
//! roughly and with few requests.
//!
//! Rows are put into clusters. What a cluster has lies in one place: codes of two bits an element, row numbers and ids,
//! so that a hit needs no other request. Clusters that are near each other lie near each other, so that one request gets
//! several. [`ProgressiveBuilder`] makes the bytes; [`ProgressiveReader`] reads the head, chooses ranges under a budget
//! and answers from them. Nothing here sees a file, a thread or a clock.
//!
//! [`payload`] has the bytes, `docs/progressive-layer.md` what they reach, and why they are what they are.
#![forbid(unsafe_code)]

mod build;
mod error;
pub mod payload;
mod read;
mod varint;

pub use build::{ProgressiveBuilder, RowSource};
pub use error::{BuildError, LayerError};
pub use read::{Answer, Budget, Cost, Hit, LayerSource, ProgressiveReader};
