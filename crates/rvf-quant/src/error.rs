use rvf_types::{DataType, Metric, limits};

/// Why a query cannot be scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantError {
    /// The metric is not defined on rows of this type.
    #[error("metric {} does not fit {data_type:?} rows: hamming needs Binary, every other metric F32", metric.name())]
    MetricUnsupported {
        /// The metric asked for.
        metric: Metric,
        /// The type of the rows.
        data_type: DataType,
    },
    /// The dimension is outside `1..=DIMENSION_MAX`.
    #[error("dimension {dimension} is outside 1..={} (DIMENSION_MAX)", limits::DIMENSION_MAX)]
    DimensionOutOfRange {
        /// The dimension asked for.
        dimension: u32,
    },
    /// The query is not one row long.
    #[error("the query has {actual_bytes} bytes, a row has {expected_bytes}")]
    QueryLength {
        /// Bytes of one row.
        expected_bytes: usize,
        /// Bytes of the query.
        actual_bytes: usize,
    },
}
