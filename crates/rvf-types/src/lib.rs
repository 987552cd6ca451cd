//! Vocabulary of the RVF store: row numbers, limits, metrics, segment kinds and error codes.
//!
//! This crate has no dependencies, allocates nothing and knows no I/O, so every other crate may use it.
#![no_std]

mod compression;
mod data_type;
mod error_code;
mod flags;
mod ids;
mod kind;
pub mod limits;
mod metric;
mod tiering;

pub use compression::Compression;
pub use data_type::DataType;
pub use error_code::ErrorCode;
pub use flags::{SegmentFlags, feature};
pub use ids::{Epoch, FileId, NO_ROW, Row, SegmentId};
pub use kind::SegmentKind;
pub use metric::Metric;
pub use tiering::Tiering;
