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
    /// The same in steps of 256, which all fit into the first cache.
    coarse: Vec<u8>,
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
        let coarse = steps.iter().map(|steps| (steps.saturating_add(128) >> 8) as u8).collect();
        ProductQuery { steps, coarse, start, step: f64::from(steps_in_1).recip() }
    }

    /// Dot product with the direction that `codes` stand for.
    #[inline]
    pub(in crate::packed) fn dot(&self, codes: &[u8]) -> f64 {
        self.start + self.step * f64::from(sum_of(&self.steps, codes))
    }

    /// The same, quicker and less precise.
    #[inline]
    pub(in crate::packed) fn quick_dot(&self, codes: &[u8]) -> f64 {
        self.start + self.step * 256.0 * f64::from(sum_of(&self.coarse, codes))
    }
}

/// Sum of what the table has for each code: of at most 65,536 parts, which is less than 2^32.
#[inline(always)]
fn sum_of<Entry: Copy + Into<u32>>(table: &[Entry], codes: &[u8]) -> u32 {
    let tables = table.as_chunks::<CENTROIDS>().0;
    tables.iter().zip(codes).map(|(table, code)| table[usize::from(*code)].into()).sum()
}
