use rvf_types::{DataType, Metric};

use crate::codes::CodeLayout;
use crate::element::{Element, F16, F32, I8, values};
use crate::error::QuantError;

/// Bytes of scale and bias, in front of the levels.
pub(super) const LEVELS_START: usize = 8;

/// How vectors of one metric, type and dimension are prepared and coded. [`crate::residuals`] has the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResidualLayout {
    metric: Metric,
    data_type: DataType,
    dimension: u32,
}

impl ResidualLayout {
    /// The layout for vectors of `dimension` elements.
    ///
    /// # Errors
    /// The metric does not fit the type of the vectors, or the dimension is out of range.
    pub fn new(metric: Metric, data_type: DataType, dimension: u32) -> Result<ResidualLayout, QuantError> {
        CodeLayout::new(metric, data_type, dimension)?;
        Ok(ResidualLayout { metric, data_type, dimension })
    }

    /// The metric the codes are for.
    pub fn metric(self) -> Metric {
        self.metric
    }

    /// The type of the vectors.
    pub fn data_type(self) -> DataType {
        self.data_type
    }

    /// Elements of a vector, of its prepared form and of a centre.
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
            _ => LEVELS_START + self.quarter(),
        }
    }

    /// Puts the prepared form of one vector, little-endian bytes of any alignment, into `prepared`.
    ///
    /// # Errors
    /// `vector` is not one vector, or `prepared` not of the dimension.
    pub fn prepare(self, vector: &[u8], prepared: &mut [f32]) -> Result<(), QuantError> {
        if vector.len() != self.vector_bytes() || prepared.len() != self.dimension as usize {
            return Err(QuantError::CodeLength { vector_bytes: vector.len(), code_bytes: size_of_val(prepared) });
        }
        match self.data_type {
            DataType::F16 => decode::<F16>(vector, prepared),
            DataType::I8 => decode::<I8>(vector, prepared),
            DataType::Binary => {
                for (index, value) in prepared.iter_mut().enumerate() {
                    *value = f32::from(vector[index / 8] >> (index % 8) & 1);
                }
                return Ok(());
            }
            _ => decode::<F32>(vector, prepared),
        }
        if !prepared.iter().all(|value| value.is_finite()) {
            prepared.fill(0.0);
        } else if self.metric == Metric::Cosine {
            bring_to_length_1(prepared);
        }
        Ok(())
    }

    /// Bytes of the levels: a fourth of the dimension, rounded up.
    pub(super) fn quarter(self) -> usize {
        (self.dimension as usize).div_ceil(4)
    }
}

fn decode<E: Element>(vector: &[u8], numbers: &mut [f32]) {
    for (number, value) in numbers.iter_mut().zip(values::<E>(vector)) {
        *number = value;
    }
}

/// Leaves the zero vector as it is. Squares of `f32` neither overflow nor vanish in `f64`.
fn bring_to_length_1(values: &mut [f32]) {
    let length = super::encoder::dot(values, values).sqrt();
    if length > 0.0 {
        for value in values {
            *value = (f64::from(*value) / length) as f32;
        }
    }
}
