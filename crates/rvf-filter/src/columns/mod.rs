//! Column payloads: metadata values by field, with an index of each.
//!
//! The layout is described byte by byte in `docs/filter-columns.md`.

mod builder;
mod dictionary;
mod encode;
mod interned;
mod layout;
mod postings;
mod reader;
mod values;

pub use builder::ColumnBuilder;
pub(crate) use dictionary::Dictionary;
pub use layout::COLUMNS_VERSION;
pub(crate) use layout::{Class, Section, index_kind};
pub(crate) use postings::RowCollector;
pub use reader::ColumnSource;
pub(crate) use reader::{Bytes, Columns, Field};
