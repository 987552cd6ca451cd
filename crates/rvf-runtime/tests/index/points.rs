//! Vectors as embeddings lie: in clusters.

use rvf_runtime::types::{DataType, Metric};

use crate::kit::{Rng, floats};

const CLUSTERS: usize = 24;
/// How far points lie from their cluster's centre, as a share of the distance between centres.
const SPREAD: f64 = 0.35;
/// Of 100 bits, how many differ from those of the centre.
const FLIPPED_BITS: usize = 12;

/// A source of vectors of one metric and dimension.
pub struct Points {
    pub metric: Metric,
    centres: Vec<Vec<f64>>,
}

impl Points {
    pub fn new(metric: Metric, dimension: u32, rng: &mut Rng) -> Points {
        let centres = (0..CLUSTERS).map(|_| (0..dimension).map(|_| rng.fraction()).collect()).collect();
        Points { metric, centres }
    }

    /// As these, `offset` farther from the origin in each element.
    pub fn moved(mut self, offset: f64) -> Points {
        self.centres.iter_mut().flatten().for_each(|element| *element += offset);
        self
    }

    /// A vector near one of the centres. Vectors of the dot product have one length, so that each is nearest to itself.
    pub fn vector(&self, rng: &mut Rng) -> Vec<u8> {
        let centre = rng.pick(&self.centres);
        if self.metric == Metric::Hamming {
            let bits = centre.iter().map(|element| (*element > 0.0) != rng.chance(FLIPPED_BITS));
            return packed(&bits.collect::<Vec<_>>());
        }
        let mut elements: Vec<f64> = centre.iter().map(|element| element + SPREAD * rng.fraction()).collect();
        if self.metric == Metric::DotProduct {
            let length = elements.iter().map(|element| element * element).sum::<f64>().sqrt();
            elements.iter_mut().for_each(|element| *element /= length);
        }
        floats(elements.into_iter().map(|element| element as f32))
    }
}

/// Bits as a vector of the Hamming distance.
pub fn packed(bits: &[bool]) -> Vec<u8> {
    bits.chunks(8).map(|byte| byte.iter().enumerate().map(|(at, bit)| u8::from(*bit) << at).sum()).collect()
}

/// What the vectors of a metric consist of.
pub fn data_type(metric: Metric) -> DataType {
    if metric == Metric::Hamming { DataType::Binary } else { DataType::F32 }
}
