use super::{CENTROIDS, Codebook};
use crate::kernels::PackedKernel;

/// The largest entry of a table.
const ENTRY_MAX: f32 = 65_535.0;

/// What all dot products of a part may differ by at least: of a query without a direction they are all 0.
const RANGE_MIN: f32 = 1e-30;

/// Dot products of a query's direction with all centroids, in whole steps above the smallest of each part.
pub(in crate::packed) struct ProductQuery {
    /// For each part and centroid.
    steps: Vec<u16>,
    /// Sum of the smallest of all parts.
    start: f64,
    /// A step.
    step: f64,
}

impl ProductQuery {
    pub(in crate::packed) fn new(kernel: PackedKernel, codebook: &Codebook, direction: &[f32]) -> ProductQuery {
        let mut widest = RANGE_MIN;
        let mut start = 0.0;
        let mut starts = Vec::with_capacity(codebook.parts.len());
        let mut rest = direction;
        for part in &codebook.parts {
            let (elements, behind) = rest.split_at(part.width);
            let (low, high) = kernel.bounds(&part.centroids, elements);
            widest = widest.max(high - low);
            start += f64::from(low);
            starts.push((elements, low));
            rest = behind;
        }
        let steps_in_1 = ENTRY_MAX / widest;
        let mut steps = vec![0; codebook.parts.len() * CENTROIDS];
        for ((part, (elements, low)), out) in codebook.parts.iter().zip(starts).zip(steps.chunks_exact_mut(CENTROIDS)) {
            kernel.steps(&part.centroids, elements, low, steps_in_1, out);
        }
        ProductQuery { steps, start, step: f64::from(steps_in_1).recip() }
    }

    /// Dot product with the direction that `codes` stand for.
    #[inline]
    pub(in crate::packed) fn dot(&self, codes: &[u8]) -> f64 {
        let tables = self.steps.as_chunks::<CENTROIDS>().0;
        // At most 65,536 entries: less than 2^32.
        let sum: u32 = tables.iter().zip(codes).map(|(table, code)| u32::from(table[usize::from(*code)])).sum();
        self.start + self.step * f64::from(sum)
    }
}
