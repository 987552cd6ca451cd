//! What can go wrong.

use thiserror::Error;

use crate::{JsonError, MERGE_DEPTH_MAX};

/// A filter expression was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FilterError {
    /// The filter's text is no JSON.
    #[error("the filter is no valid JSON: {0}")]
    Json(#[from] JsonError),
    /// A part of the filter breaks a rule.
    #[error("{path}: {problem}")]
    Invalid {
        /// The place, such as `filter.exprs[2].value`.
        path: String,
        /// What is wrong there and what to do.
        problem: String,
    },
}

/// A schema was refused, or a document that contradicts it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SchemaError {
    /// The schema's text, or the document's, is no JSON.
    #[error("no valid JSON: {0}")]
    Json(#[from] JsonError),
    /// A part of the schema breaks a rule.
    #[error("{path}: {problem}")]
    Invalid {
        /// The place, such as `schema[2].type`.
        path: String,
        /// What is wrong there and what to do.
        problem: String,
    },
    /// A document's field has another type than the schema declares.
    #[error("field \"{field}\" is declared as {expected}, and this document has {found}")]
    TypeMismatch {
        /// The field.
        field: String,
        /// The declared type.
        expected: &'static str,
        /// What the document has.
        found: String,
    },
}

/// Columns could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BuildError {
    /// A row's metadata is no JSON.
    #[error("metadata is no valid JSON: {0}")]
    Json(#[from] JsonError),
    /// The payload would not fit the offsets of the format (32 bits).
    #[error("the columns of one run are above 4 GiB; make the run shorter")]
    TooLarge,
}

/// A merge patch could not be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MergeError {
    /// The document is no JSON.
    #[error("the document is no valid JSON: {0}")]
    Document(JsonError),
    /// The patch is no JSON.
    #[error("the patch is no valid JSON: {0}")]
    Patch(JsonError),
    /// The patch is a value that has no fields.
    #[error("the patch must be an object, not {found}")]
    NoObject {
        /// What it is.
        found: &'static str,
    },
    /// The patch's objects nest too deeply.
    #[error("the objects of a patch nest at most {MERGE_DEPTH_MAX} deep")]
    TooDeep,
}

/// Columns could not be read. `E` is the error of the [`ColumnSource`](crate::ColumnSource).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ColumnError<E> {
    /// The bytes could not be had.
    #[error(transparent)]
    Source(E),
    /// The bytes contradict themselves.
    #[error("{0} of the columns is not valid")]
    Damaged(&'static str),
}
