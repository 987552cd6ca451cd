use super::encode;
use crate::element::{Element, F16, F32, I8};
use crate::error::QuantError;
use rvf_types::{DataType, Metric, limits};

/// Where a coded row's elements start: behind scale and bias.
pub(crate) const ELEMENTS_START: usize = 8;

/// Bytes of elements are padded to a multiple of this, the width of the narrowest vector register.
const ELEMENTS_UNIT: usize = 16;

/// How finely the elements of `F32` vectors are coded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CodePrecision {
    /// A byte an element, 255 levels.
    #[default]
    Int8,
    /// Half a byte an element, 15 levels.
    Int4,
}

/// How vectors of one metric, type and dimension are coded. [`crate::codes`] has the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeLayout {
    metric: Metric,
    data_type: DataType,
    dimension: u32,
    precision: CodePrecision,
}

impl CodeLayout {
    /// The layout with a byte an element, for vectors of `dimension` elements.
    ///
    /// # Errors
    /// The metric does not fit the type of the vectors, or the dimension is out of range.
    pub fn new(metric: Metric, data_type: DataType, dimension: u32) -> Result<CodeLayout, QuantError> {
        if dimension == 0 || dimension > limits::DIMENSION_MAX {
            return Err(QuantError::DimensionOutOfRange { dimension });
        }
        if !data_type.fits(metric) {
            return Err(QuantError::MetricUnsupported { metric, data_type });
        }
        Ok(CodeLayout { metric, data_type, dimension, precision: CodePrecision::Int8 })
    }

    /// The layout of the same vectors, coded this finely. Bits are stored as they are either way.
    pub fn with_precision(self, precision: CodePrecision) -> CodeLayout {
        match self.data_type {
            DataType::Binary => self,
            _ => CodeLayout { precision, ..self },
        }
    }

    /// How finely elements are coded.
    pub fn precision(self) -> CodePrecision {
        self.precision
    }

    /// The metric the codes are for.
    pub fn metric(self) -> Metric {
        self.metric
    }

    /// The type of the vectors.
    pub fn data_type(self) -> DataType {
        self.data_type
    }

    /// Elements of a vector.
    pub fn dimension(self) -> u32 {
        self.dimension
    }

    /// Bytes of a vector.
    pub fn vector_bytes(self) -> usize {
        self.data_type.row_bytes(self.dimension)
    }

    /// Bytes of a coded row.
    pub fn row_bytes(self) -> usize {
        match self.data_type {
            DataType::Binary => self.vector_bytes(),
            _ => ELEMENTS_START + self.element_bytes(),
        }
    }

    /// Codes `vectors`, packed little-endian bytes of any alignment, into `out`: [`CodeLayout::row_bytes`] each.
    ///
    /// The bytes are the same on every machine. A vector that holds NaN or infinity, as only a damaged file does, is
    /// coded as the zero vector.
    ///
    /// # Errors
    /// `vectors` is not a number of whole vectors, or `out` not as many coded rows.
    pub fn encode(self, vectors: &[u8], out: &mut [u8]) -> Result<(), QuantError> {
        let rows = vectors.len() / self.vector_bytes();
        if !vectors.len().is_multiple_of(self.vector_bytes()) || rows.checked_mul(self.row_bytes()) != Some(out.len()) {
            return Err(QuantError::CodeLength { vector_bytes: vectors.len(), code_bytes: out.len() });
        }
        match self.data_type {
            DataType::F16 => self.encode_numbers::<F16>(vectors, out),
            DataType::I8 => self.encode_numbers::<I8>(vectors, out),
            DataType::Binary => out.copy_from_slice(vectors),
            _ => self.encode_numbers::<F32>(vectors, out),
        }
        Ok(())
    }

    fn encode_numbers<E: Element>(self, vectors: &[u8], out: &mut [u8]) {
        let rows = out.chunks_exact_mut(self.row_bytes());
        for (vector, row) in vectors.chunks_exact(self.vector_bytes()).zip(rows) {
            encode::row::<E>(self, vector, row);
        }
    }

    /// Bytes of the elements of a coded row, with padding.
    pub(crate) fn element_bytes(self) -> usize {
        let dimension = self.dimension as usize;
        match self.precision {
            CodePrecision::Int8 => dimension.next_multiple_of(ELEMENTS_UNIT),
            CodePrecision::Int4 => dimension.div_ceil(2).next_multiple_of(ELEMENTS_UNIT),
        }
    }
}
