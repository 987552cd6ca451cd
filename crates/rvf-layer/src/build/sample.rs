//! Vectors as clustering sees them: prepared, less the origin, in codes of a byte an element.

use rvf_quant::{CodeLayout, ResidualLayout};
use rvf_types::Row;

use super::RowSource;
use crate::BuildError;

/// At most `count` of `rows`, spread evenly.
pub(super) fn spread(rows: &[Row], count: usize) -> Vec<Row> {
    let count = count.min(rows.len());
    (0..count).map(|index| rows[(index as u64 * rows.len() as u64 / count as u64) as usize]).collect()
}

/// Prepares and codes vectors.
pub(super) struct Preparer {
    layout: ResidualLayout,
    codes: CodeLayout,
    origin_code: Vec<u8>,
    /// The decoded origin. Distances between rows do not depend on it, but codes are finer where rows lie around zero.
    origin: Vec<f32>,
    prepared: Vec<f32>,
}

impl Preparer {
    pub fn new(layout: ResidualLayout, codes: CodeLayout) -> Preparer {
        let zeros = vec![0.0; layout.dimension() as usize];
        Preparer { layout, codes, origin_code: vec![0; codes.row_bytes()], origin: zeros.clone(), prepared: zeros }
    }

    /// The code of the origin.
    pub fn origin_code(&self) -> &[u8] {
        &self.origin_code
    }

    /// Makes the mean of `rows` the origin, as near as its code comes to it.
    pub fn find_origin<R: RowSource>(&mut self, rows: &[Row], source: &R) -> Result<(), BuildError<R::Error>> {
        let mut sums = vec![0.0_f64; self.prepared.len()];
        for row in rows {
            self.prepare(*row, source)?;
            for (sum, value) in sums.iter_mut().zip(&self.prepared) {
                *sum += f64::from(*value);
            }
        }
        let count = rows.len().max(1) as f64;
        let mean: Vec<u8> = sums.iter().flat_map(|sum| ((sum / count) as f32).to_le_bytes()).collect();
        self.codes.encode(&mean, &mut self.origin_code)?;
        self.codes.add_decoded(&self.origin_code, &mut self.origin)?;
        Ok(())
    }

    /// The coded vectors of `rows`, less the origin.
    pub fn code<R: RowSource>(&mut self, rows: &[Row], source: &R) -> Result<Vec<u8>, BuildError<R::Error>> {
        let row_bytes = self.codes.row_bytes();
        let mut coded = vec![0; rows.len() * row_bytes];
        let mut bytes = Vec::with_capacity(self.codes.vector_bytes());
        for (row, code) in rows.iter().zip(coded.chunks_exact_mut(row_bytes)) {
            self.prepare(*row, source)?;
            bytes.clear();
            bytes.extend(
                self.prepared.iter().zip(&self.origin).flat_map(|(value, origin)| (value - origin).to_le_bytes()),
            );
            self.codes.encode(&bytes, code)?;
        }
        Ok(coded)
    }

    fn prepare<R: RowSource>(&mut self, row: Row, source: &R) -> Result<(), BuildError<R::Error>> {
        let vector = source.vector(row).map_err(BuildError::Source)?;
        Ok(self.layout.prepare(&vector, &mut self.prepared)?)
    }
}
