use rvf_types::DataType;

use super::CodeLayout;
use super::layout::CodePrecision;
use super::layout::ELEMENTS_START;
use crate::error::QuantError;

impl CodeLayout {
    /// Adds the vector that a coded row stands for to `sum`, which has one place for each element; bits count 0 or 1.
    ///
    /// # Errors
    /// `row` is not one coded row, or `sum` is not of the dimension.
    pub fn add_decoded(self, row: &[u8], sum: &mut [f32]) -> Result<(), QuantError> {
        if row.len() != self.row_bytes() || sum.len() != self.dimension() as usize {
            return Err(QuantError::CodeLength { vector_bytes: sum.len() * 4, code_bytes: row.len() });
        }
        if self.data_type() == DataType::Binary {
            for (index, slot) in sum.iter_mut().enumerate() {
                *slot += f32::from(row[index / 8] >> (index % 8) & 1);
            }
            return Ok(());
        }
        let (header, elements) = row.split_at(ELEMENTS_START);
        let scale = header.first_chunk::<4>().map_or(0.0, |bytes| f32::from_le_bytes(*bytes));
        match self.precision() {
            CodePrecision::Int8 => {
                for (slot, element) in sum.iter_mut().zip(elements) {
                    *slot += scale * (f32::from(*element) - 128.0);
                }
            }
            CodePrecision::Int4 => {
                let nibbles = elements.iter().map(|byte| byte & 0xF).chain(elements.iter().map(|byte| byte >> 4));
                for (slot, nibble) in sum.iter_mut().zip(nibbles) {
                    *slot += scale * (f32::from(nibble) - 8.0);
                }
            }
        }
        Ok(())
    }
}
