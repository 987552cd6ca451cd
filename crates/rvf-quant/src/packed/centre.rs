//! What product and binary packing share: a vector is the mean of the sample, and what is left of it as a length and a
//! direction. Only the direction is packed by parts or bits (gain-shape quantisation).
//!
//! Sums are in `f64`, where squares of `f32` neither overflow nor vanish, and in a fixed order.

use super::PackedLayout;
use super::header::Header;
use rvf_types::Metric;

/// Partial sums, so that the compiler may use vector registers.
const LANES: usize = 8;

/// The mean of the vectors that a quantiser was trained with; for `cosine` of their directions.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Centre {
    metric: Metric,
    mean: Vec<f32>,
}

/// What a vector has beside the direction of its residual.
#[derive(Clone, Copy)]
pub(super) struct Lengths {
    /// Length of the vector; 1 unless the metric is `cosine`.
    pub(super) vector: f64,
    /// Length of what is left when the mean is taken off; for `cosine` off the vector at length 1.
    pub(super) residual: f64,
}

impl Centre {
    /// The mean of `sample`, whole vectors.
    pub(super) fn of(layout: PackedLayout, sample: &[u8]) -> Centre {
        let mut sums = vec![0.0_f64; layout.dimension() as usize];
        let mut count = 0.0;
        for vector in sample.chunks_exact(layout.vector_bytes()) {
            let Some(factor) = factor_of(layout.metric(), vector) else { continue };
            count += 1.0;
            for (sum, value) in sums.iter_mut().zip(values(vector)) {
                *sum += value * factor;
            }
        }
        let mean = sums.into_iter().map(|sum| if count > 0.0 { (sum / count) as f32 } else { 0.0 });
        Centre { metric: layout.metric(), mean: mean.collect() }
    }

    /// A mean that was stored; `None` where it cannot be one.
    pub(super) fn from_mean(metric: Metric, mean: Vec<f32>) -> Option<Centre> {
        let largest = if metric == Metric::Cosine { 1.0 } else { f32::MAX };
        mean.iter().all(|value| value.abs() <= largest).then_some(Centre { metric, mean })
    }

    pub(super) fn metric(&self) -> Metric {
        self.metric
    }

    pub(super) fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// The direction of what is left of `vector`, at length 1, or zero.
    pub(super) fn direction(&self, vector: &[u8], direction: &mut [f32]) -> Lengths {
        let lengths = self.lengths(vector);
        for (index, slot) in direction.iter_mut().enumerate() {
            *slot = self.element(lengths, vector, index);
        }
        lengths
    }

    /// How long `vector` is, and what is left of it. A vector with NaN or infinity is the zero vector.
    pub(super) fn lengths(&self, vector: &[u8]) -> Lengths {
        let Some(factor) = factor_of(self.metric, vector) else {
            // The zero vector has no direction, so there is nothing to take a mean direction off.
            let residual = if self.metric == Metric::Cosine { 0.0 } else { squared(&self.mean).sqrt() };
            return Lengths { vector: 0.0, residual };
        };
        let mut partial = [0.0; LANES];
        for (bytes, mean) in vector.as_chunks::<4>().0.chunks(LANES).zip(self.mean.chunks(LANES)) {
            for (sum, (bytes, mean)) in partial.iter_mut().zip(bytes.iter().zip(mean)) {
                let difference = f64::from(f32::from_le_bytes(*bytes)) * factor - f64::from(*mean);
                *sum += difference * difference;
            }
        }
        Lengths { vector: factor.recip(), residual: partial.iter().sum::<f64>().sqrt() }
    }

    /// One element of the direction, by the lengths of its vector.
    pub(super) fn element(&self, lengths: Lengths, vector: &[u8], index: usize) -> f32 {
        if lengths.residual == 0.0 {
            return 0.0;
        }
        let value = if lengths.vector > 0.0 { value_at(vector, index) / lengths.vector } else { 0.0 };
        ((value - f64::from(self.mean[index])) / lengths.residual) as f32
    }

    /// How many means a direction has along the mean; 0 where that is none.
    pub(super) fn along(&self, direction: &[f32]) -> f64 {
        let squares = squared(&self.mean);
        if squares > 0.0 { dot(direction, &self.mean) / squares } else { 0.0 }
    }

    /// Puts a vector together of the decoded direction.
    pub(super) fn decode(&self, header: Header, direction: &mut [f32]) {
        let scale = f64::from(header.scale);
        let means = if self.metric == Metric::DotProduct { 1.0 + header.along() } else { 1.0 };
        let element = |direction: f32, mean: f32| means * f64::from(mean) + scale * f64::from(direction);
        let mut factor = 1.0;
        if self.metric == Metric::Cosine {
            let values = direction.iter().zip(&self.mean).map(|(direction, mean)| element(*direction, *mean));
            let length = values.map(|value| value * value).sum::<f64>().sqrt();
            factor = if length > 0.0 { header.length() / length } else { 0.0 };
        }
        for (slot, mean) in direction.iter_mut().zip(&self.mean) {
            *slot = ((element(*slot, *mean) * factor) as f32).clamp(f32::MIN, f32::MAX);
        }
    }
}

/// A query without the mean, and how sums of its direction become distances.
#[derive(Clone)]
pub(super) struct CentredQuery {
    metric: Metric,
    /// At length 1, or zero.
    pub(super) direction: Vec<f32>,
    /// What the direction was divided by.
    length: f64,
    /// What the query alone adds to a distance.
    base: f64,
    /// Whether rows have distances from it: a zero vector has no direction.
    has_direction: bool,
}

impl CentredQuery {
    pub(super) fn new(centre: &Centre, query: &[u8]) -> CentredQuery {
        let metric = centre.metric;
        let mut direction = vec![0.0; centre.mean.len()];
        let has_direction = factor_of(metric, query).is_some();
        if metric != Metric::DotProduct {
            let length = centre.direction(query, &mut direction).residual;
            return CentredQuery { metric, direction, length, base: length * length, has_direction };
        }
        // A dot product is the sum of that with the mean and that with the residual.
        let origin = Centre { metric, mean: vec![0.0; centre.mean.len()] };
        let length = origin.direction(query, &mut direction).residual;
        let base = -length * dot(&direction, &centre.mean);
        CentredQuery { metric, direction, length, base, has_direction }
    }

    /// The distance of a row by the dot product of the directions.
    #[inline(always)]
    pub(super) fn distance(&self, header: Header, dot: f64) -> f64 {
        let scale = f64::from(header.scale);
        match self.metric {
            Metric::DotProduct => (1.0 + header.along()) * self.base - scale * self.length * dot,
            Metric::Cosine if !self.has_direction || header.is_zero() => 1.0,
            _ => {
                let squared = self.base + scale * (scale * header.squared_norm() - 2.0 * self.length * dot);
                // Half the squared distance of vectors of length 1 is their cosine distance.
                if self.metric == Metric::Cosine { squared * 0.5 } else { squared }
            }
        }
    }

    /// The distance as those of the metric are.
    #[inline(always)]
    pub(super) fn bounded(&self, distance: f64) -> f32 {
        match self.metric {
            // Leaves NaN, which a damaged row may give, what it is.
            Metric::L2 => distance.clamp(0.0, f64::INFINITY) as f32,
            Metric::Cosine => distance.clamp(0.0, 2.0) as f32,
            _ => distance as f32,
        }
    }
}

/// What a vector is multiplied with first; `None` for one with NaN or infinity, and for `cosine` for the zero vector.
fn factor_of(metric: Metric, vector: &[u8]) -> Option<f64> {
    if metric != Metric::Cosine {
        return values(vector).all(f64::is_finite).then_some(1.0);
    }
    let mut partial = [0.0; LANES];
    for bytes in vector.as_chunks::<4>().0.chunks(LANES) {
        for (sum, bytes) in partial.iter_mut().zip(bytes) {
            let value = f64::from(f32::from_le_bytes(*bytes));
            *sum += value * value;
        }
    }
    let squared = partial.iter().sum::<f64>();
    (squared > 0.0 && squared.is_finite()).then(|| squared.sqrt().recip())
}

fn values(vector: &[u8]) -> impl Iterator<Item = f64> {
    vector.as_chunks::<4>().0.iter().map(|bytes| f64::from(f32::from_le_bytes(*bytes)))
}

fn value_at(vector: &[u8], index: usize) -> f64 {
    f64::from(f32::from_le_bytes(vector.as_chunks::<4>().0[index]))
}

fn squared(values: &[f32]) -> f64 {
    dot(values, values)
}

/// Dot product in a fixed order.
pub(super) fn dot(left: &[f32], right: &[f32]) -> f64 {
    let mut partial = [0.0_f64; LANES];
    for (left, right) in left.chunks(LANES).zip(right.chunks(LANES)) {
        for (sum, (left, right)) in partial.iter_mut().zip(left.iter().zip(right)) {
            *sum += f64::from(*left) * f64::from(*right);
        }
    }
    partial.iter().sum()
}
