//! From a vector to its residual code. Sums are in a fixed order, so every machine writes the same bytes.

use rvf_types::{DataType, Metric};

use super::layout::{LEVELS_START, ResidualLayout};
use crate::error::QuantError;

/// Partial sums, so that the compiler may use vector registers.
const LANES: usize = 16;

/// Where a magnitude changes from level 1 to level 3, in root mean squares of the residual. The best for normally
/// distributed elements is 0.996; the others are for residuals that are flatter or more peaked.
const THRESHOLDS: [f32; 5] = [0.8, 0.9, 1.0, 1.1, 1.2];

/// Codes vectors, one after the other.
pub struct ResidualEncoder {
    layout: ResidualLayout,
    /// The prepared vector, then its residual.
    residual: Vec<f32>,
}

impl ResidualEncoder {
    /// An encoder for vectors of `layout`.
    pub fn new(layout: ResidualLayout) -> ResidualEncoder {
        ResidualEncoder { layout, residual: vec![0.0; layout.dimension() as usize] }
    }

    /// Codes `vector`, the bytes of one vector, beside `centre` into `row`, [`ResidualLayout::row_bytes`] long.
    /// Answers the squared length of the residual.
    ///
    /// # Errors
    /// One of them is of another length.
    pub fn encode(&mut self, vector: &[u8], centre: &[f32], row: &mut [u8]) -> Result<f64, QuantError> {
        self.layout.prepare(vector, &mut self.residual)?;
        if centre.len() != self.residual.len() || row.len() != self.layout.row_bytes() {
            return Err(QuantError::CodeLength { vector_bytes: centre.len() * 4, code_bytes: row.len() });
        }
        for (element, centre) in self.residual.iter_mut().zip(centre) {
            // A difference that overflows is as far as can be.
            *element = (*element - centre).clamp(f32::MIN, f32::MAX);
        }
        let squared_length = dot(&self.residual, &self.residual);
        if self.layout.data_type() == DataType::Binary {
            row.copy_from_slice(vector);
            return Ok(squared_length);
        }
        let bias = if self.layout.metric() == Metric::L2 { squared_length } else { dot(centre, &self.residual) };
        let (header, levels) = row.split_at_mut(LEVELS_START);
        let scale = code_levels(&self.residual, squared_length, levels);
        header[..4].copy_from_slice(&scale.to_le_bytes());
        header[4..].copy_from_slice(&(bias as f32).to_le_bytes());
        Ok(squared_length)
    }
}

/// Fills in the levels and answers the scale.
fn code_levels(residual: &[f32], squared_length: f64, levels: &mut [u8]) -> f32 {
    levels.fill(0);
    if squared_length == 0.0 {
        return 0.0;
    }
    let root_mean_square = (squared_length / residual.len() as f64).sqrt() as f32;
    let whole: f64 = sum(residual, |magnitude| magnitude);
    // What is best has the smallest angle to the residual: the largest squared dot product for its own squared length.
    let (mut threshold, mut dot_of_levels, mut best) = (0.0, 0.0, 0.0);
    for candidate in THRESHOLDS.map(|threshold| threshold * root_mean_square) {
        let dot = whole + 2.0 * sum(residual, |magnitude| if magnitude > candidate { magnitude } else { 0.0 });
        let outer = sum(residual, |magnitude| if magnitude > candidate { 1.0 } else { 0.0 });
        let quality = dot * dot / (residual.len() as f64 + 8.0 * outer);
        if quality > best {
            (threshold, dot_of_levels, best) = (candidate, dot, quality);
        }
    }
    for (part, elements) in residual.chunks(levels.len()).enumerate() {
        for (level, element) in levels.iter_mut().zip(elements) {
            let is_outer = u8::from(element.abs() > threshold);
            let bits = if *element < 0.0 { 1 - is_outer } else { 2 + is_outer };
            *level |= bits << (2 * part);
        }
    }
    if dot_of_levels > 0.0 { (squared_length / dot_of_levels) as f32 } else { 0.0 }
}

/// Sum of what `term` makes of the magnitudes of elements.
#[inline(always)]
fn sum(elements: &[f32], term: impl Fn(f32) -> f32) -> f64 {
    let mut partial = [0.0_f32; LANES];
    let (blocks, rest) = elements.as_chunks::<LANES>();
    for block in blocks {
        for (sum, element) in partial.iter_mut().zip(block) {
            *sum += term(element.abs());
        }
    }
    for (sum, element) in partial.iter_mut().zip(rest) {
        *sum += term(element.abs());
    }
    partial.iter().map(|sum| f64::from(*sum)).sum()
}

/// Dot product, in `f64`, where nothing overflows.
pub(super) fn dot(left: &[f32], right: &[f32]) -> f64 {
    let mut partial = [0.0_f64; LANES];
    for (left, right) in left.chunks(LANES).zip(right.chunks(LANES)) {
        for (sum, (left, right)) in partial.iter_mut().zip(left.iter().zip(right)) {
            *sum += f64::from(*left) * f64::from(*right);
        }
    }
    partial.iter().sum()
}
