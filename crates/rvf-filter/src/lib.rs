//! Metadata filters of the RVF store: the checked filter expression, columns with indexes that are read in place, and
//! the planner that answers one from the other.
//!
//! This crate never sees a file. It is given JSON texts by row and makes the bytes of a *column payload* for a run of
//! consecutive rows ([`ColumnBuilder`]); later it is given a [`ColumnSource`] over those bytes and an [`Expression`], and
//! answers with bitmaps of rows ([`evaluate`]). Rows that have no columns are asked by their text ([`matches()`]), which
//! is also what the columns are tested against. Changes of a document come as a JSON merge patch ([`merge_patch`]).

mod columns;
mod document;
mod error;
mod evaluate;
mod expression;
mod json;
mod merge;
mod scalar;
mod schema;

pub use columns::{COLUMNS_VERSION, ColumnBuilder, ColumnSource};
pub use error::{BuildError, ColumnError, FilterError, MergeError, SchemaError};
pub use evaluate::{Estimate, Outcome, estimate, evaluate};
pub use expression::{Expression, FILTER_DEPTH_MAX, FILTER_NODES_MAX, FILTER_VALUES_MAX, matches};
pub use json::JsonError;
pub use merge::{MERGE_DEPTH_MAX, merge_patch};
pub use schema::{FIELD_NAME_BYTES_MAX, FieldType, SCHEMA_FIELDS_MAX, Schema, SchemaField};
