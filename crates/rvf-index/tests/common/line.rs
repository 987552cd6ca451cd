//! Rows on a line: graphs of them need no codes.

use std::convert::Infallible;

use rvf_index::BuildParameters;

use super::build;

/// Distances that need no codes.
pub struct Line(pub f32);

impl rvf_index::Distances for Line {
    type Error = Infallible;

    fn score(&self, rows: &[u32], distances: &mut [f32]) -> Result<(), Infallible> {
        for (row, distance) in rows.iter().zip(distances) {
            *distance = (*row as f32 - self.0).abs();
        }
        Ok(())
    }
}

impl rvf_index::RowDistances for Line {
    fn aim_at(&mut self, row: u32) -> Result<(), Infallible> {
        self.0 = row as f32;
        Ok(())
    }
}

/// Rows whose vector is their number.
pub struct Numbers;

impl rvf_index::Vectors for Numbers {
    type Error = Infallible;
    type Scorer<'v> = Line;

    fn scorer(&self) -> Line {
        Line(0.0)
    }
}

/// The bytes of a graph over such rows.
pub fn line(rows: &[u32], degree: usize) -> Vec<u8> {
    build(&Numbers, rows, BuildParameters { degree, ..BuildParameters::default() }).write()
}
