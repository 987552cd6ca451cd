use rvf_quant::QuantError;
use rvf_types::{Row, limits};
use thiserror::Error;

/// A layer could not be built. `E` is the error of the place that vectors and ids come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BuildError<E> {
    /// A vector or an id could not be had.
    #[error(transparent)]
    Source(E),
    /// A vector has the wrong length.
    #[error(transparent)]
    Vector(#[from] QuantError),
    /// A row is not greater than the one before it, or greater than rows can be.
    #[error("row {0} is out of order, or above {max} (ROWS_MAX)", max = limits::ROWS_MAX)]
    RowOrder(Row),
    /// An id is longer than ids can be.
    #[error("the id of row {row} has {bytes} bytes, more than {} (ID_BYTES_MAX)", limits::ID_BYTES_MAX)]
    IdLength {
        /// The row.
        row: Row,
        /// Bytes of its id.
        bytes: usize,
    },
}

/// A layer could not be read. `E` is the error of the place that its bytes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LayerError<E> {
    /// Bytes could not be had.
    #[error(transparent)]
    Source(E),
    /// The bytes contradict themselves.
    #[error("{0} of the progressive layer is not valid")]
    Damaged(&'static str),
    /// The query has the wrong length.
    #[error(transparent)]
    Query(QuantError),
}
