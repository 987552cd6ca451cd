use rvf_types::{DataType, Metric};

use super::encoder::dot;
use super::layout::{LEVELS_START, ResidualLayout};
use crate::Scorer;
use crate::error::QuantError;

/// Partial sums, so that the compiler may use vector registers.
const LANES: usize = 16;

/// One query, compared with rows that were coded beside one centre after the other.
///
/// Distances estimate those of [`crate::Scorer`]; those of [`Metric::Hamming`] are exact. They are the same on every
/// machine, may leave the range of their metric by as much as the codes err, and are never NaN: where the numbers
/// overflow, or a row is damaged, they are infinite.
pub struct ResidualScorer {
    layout: ResidualLayout,
    query: Vec<f32>,
    bits: Option<Scorer>,
    /// What the levels are multiplied with, padded with zeros to four quarters.
    direction: Vec<f32>,
    terms: Terms,
}

/// What a query and a centre contribute to a distance. [`crate::residuals`] has the formulas.
#[derive(Clone, Copy, Default)]
struct Terms {
    /// What is added.
    base: f64,
    /// What the bias of the row is multiplied with.
    of_bias: f64,
    /// What the dot product of direction and levels is multiplied with, beside the scale of the row.
    of_levels: f64,
    /// Sum of the direction.
    sum: f64,
}

impl ResidualScorer {
    /// Prepares `query`, the bytes of one vector as [`crate::Scorer::new`] takes them. Its centre is the origin.
    ///
    /// # Errors
    /// The query is not one vector long.
    pub fn new(layout: ResidualLayout, query: &[u8]) -> Result<ResidualScorer, QuantError> {
        if query.len() != layout.vector_bytes() {
            return Err(QuantError::QueryLength { expected_bytes: layout.vector_bytes(), actual_bytes: query.len() });
        }
        let mut prepared = vec![0.0; layout.dimension() as usize];
        layout.prepare(query, &mut prepared)?;
        let bits = match layout.data_type() {
            DataType::Binary => Some(Scorer::new(layout.metric(), DataType::Binary, layout.dimension(), query)?),
            _ => None,
        };
        let direction = vec![0.0; layout.quarter() * 4];
        let origin = vec![0.0; prepared.len()];
        let mut scorer = ResidualScorer { layout, query: prepared, bits, direction, terms: Terms::default() };
        scorer.aim_at(&origin)?;
        Ok(scorer)
    }

    /// The prepared query.
    pub fn query(&self) -> &[f32] {
        &self.query
    }

    /// Compares with rows that were coded beside `centre` from now on.
    ///
    /// # Errors
    /// The centre is not of the dimension.
    pub fn aim_at(&mut self, centre: &[f32]) -> Result<(), QuantError> {
        if centre.len() != self.query.len() {
            return Err(QuantError::LayoutMismatch);
        }
        let (with_query, with_itself) = (dot(&self.query, centre), dot(centre, centre));
        let along = match self.layout.metric() {
            Metric::L2 | Metric::Hamming => 1.0,
            _ if with_itself > 0.0 => with_query / with_itself,
            _ => 0.0,
        };
        for ((slot, query), centre) in self.direction.iter_mut().zip(&self.query).zip(centre) {
            *slot = (f64::from(*query) - along * f64::from(*centre)) as f32;
        }
        let sum = self.direction.iter().map(|value| f64::from(*value)).sum();
        self.terms = match self.layout.metric() {
            Metric::L2 => Terms { base: dot(&self.direction, &self.direction), of_bias: 1.0, of_levels: -2.0, sum },
            Metric::Cosine => Terms { base: 1.0 - with_query, of_bias: -along, of_levels: -1.0, sum },
            _ => Terms { base: -with_query, of_bias: -along, of_levels: -1.0, sum },
        };
        Ok(())
    }

    /// Distances of the coded rows that `codes` consists of, into `out`, which has one place for each.
    ///
    /// # Errors
    /// `codes` is not as many coded rows.
    pub fn distances(&self, codes: &[u8], out: &mut [f32]) -> Result<(), QuantError> {
        let row_bytes = self.layout.row_bytes();
        if out.len().checked_mul(row_bytes) != Some(codes.len()) {
            return Err(QuantError::TableLength { bytes: codes.len(), row_bytes });
        }
        if let Some(bits) = &self.bits {
            bits.distances(codes, out);
            return Ok(());
        }
        for (slot, row) in out.iter_mut().zip(codes.chunks_exact(row_bytes)) {
            let distance = self.distance(row);
            *slot = if distance.is_nan() { f32::INFINITY } else { distance };
        }
        Ok(())
    }

    fn distance(&self, row: &[u8]) -> f32 {
        let (header, levels) = row.split_at(LEVELS_START);
        let mut header = header.as_chunks::<4>().0.iter().map(|bytes| f64::from(f32::from_le_bytes(*bytes)));
        let (scale, bias) = (header.next().unwrap_or(f64::NAN), header.next().unwrap_or(f64::NAN));
        let Terms { base, of_bias, of_levels, sum } = self.terms;
        // Bits `b` mean the level `2 * b - 3`.
        let dot_of_levels = 2.0 * self.dot_of_bits(levels) - 3.0 * sum;
        (base + of_bias * bias + of_levels * scale * dot_of_levels) as f32
    }

    /// Dot product of the direction and the two bits of each element.
    fn dot_of_bits(&self, levels: &[u8]) -> f64 {
        let mut partial = [0.0_f32; LANES];
        for (part, direction) in self.direction.chunks_exact(levels.len()).enumerate() {
            for (direction, levels) in direction.chunks(LANES).zip(levels.chunks(LANES)) {
                for (sum, (direction, level)) in partial.iter_mut().zip(direction.iter().zip(levels)) {
                    *sum += direction * f32::from(level >> (2 * part) & 3);
                }
            }
        }
        partial.iter().map(|sum| f64::from(*sum)).sum()
    }
}
