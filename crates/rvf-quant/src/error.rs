use rvf_types::{DataType, Metric, limits};

/// Why a query cannot be scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantError {
    /// The metric is not defined on rows of this type.
    #[error("metric {} does not fit {data_type:?} rows: hamming needs Binary, every other metric F32, F16 or I8", metric.name())]
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
    /// Vectors to code, or the place for their codes, are not whole rows of the same number.
    #[error("{vector_bytes} bytes of vectors do not become {code_bytes} bytes of codes")]
    CodeLength {
        /// Bytes of vectors.
        vector_bytes: usize,
        /// Bytes for their codes.
        code_bytes: usize,
    },
    /// A table of codes is not a number of whole rows, or of too many.
    #[error("{bytes} bytes are no table of codes of {row_bytes} bytes each")]
    TableLength {
        /// Bytes of the table.
        bytes: usize,
        /// Bytes of a coded row.
        row_bytes: usize,
    },
    /// A row is not in the table of codes.
    #[error("row {row} of a table of {rows}")]
    RowOutOfRange {
        /// The row asked for.
        row: u32,
        /// Rows of the table.
        rows: u32,
    },
    /// A query and a table of codes are of different metrics, types or dimensions.
    #[error("the query and the table have different layouts")]
    LayoutMismatch,
    /// There is not one place for the distance of each row.
    #[error("{places} places for the distances of {rows} rows")]
    OutputLength {
        /// Rows to compare.
        rows: usize,
        /// Places for distances.
        places: usize,
    },
    /// A packing has a number of bits that there is none with.
    #[error("{bits} bits: there is no such packing")]
    BitsUnsupported {
        /// The bits asked for.
        bits: u8,
    },
    /// The bytes of a quantiser are not as many as its layout says.
    #[error("a quantiser of {actual_bytes} bytes, its layout has {expected_bytes}")]
    QuantiserLength {
        /// Bytes that the layout says.
        expected_bytes: usize,
        /// Bytes there are.
        actual_bytes: usize,
    },
    /// A quantiser holds a number that none can have.
    #[error("the bytes of the quantiser hold a number that none can have")]
    QuantiserDamaged,
    /// A vector cannot have that many parts.
    #[error("{subvectors} parts of a vector of {dimension} elements")]
    SubvectorsOutOfRange {
        /// Parts asked for.
        subvectors: u32,
        /// Elements of a vector.
        dimension: u32,
    },
    /// There is nothing to train with.
    #[error("the sample to train with is empty")]
    SampleEmpty,
}
