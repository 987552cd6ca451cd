//! Product packing: each part of a direction is the nearest of 256 trained ones.
//!
//! Product quantisation as Jégou, Douze and Schmid have it ("Product quantization for nearest neighbor search", IEEE
//! TPAMI 2011), with the query as it is and a table of its dot products with all parts, here in 16 bits.

mod scorer;
mod train;

use super::header::{from_upper_half, upper_half};
use crate::kernels::{Lanes, PACKED_LANES, PackedKernel};

pub(super) use scorer::ProductQuery;
pub(super) use train::train;

/// Centroids of a part.
pub(super) const CENTROIDS: usize = 256;

/// No element of a part of a vector of length 1 is larger, nor is one of their means.
const ELEMENT_MAX: f32 = 1.0;

/// The centroids of one part.
#[derive(Clone, Debug, PartialEq)]
struct Part {
    /// Elements.
    width: usize,
    /// In groups, of each first all first elements, then all second ones.
    centroids: Vec<Lanes>,
    /// Half their squared lengths.
    halves: Vec<Lanes>,
}

impl Part {
    /// Of `points`, [`CENTROIDS`] of `width` elements each. They are rounded to what is stored of them.
    fn new(width: usize, points: &[f32]) -> Part {
        let mut part = Part {
            width,
            centroids: vec![[0.0; PACKED_LANES]; CENTROIDS / PACKED_LANES * width],
            halves: vec![[0.0; PACKED_LANES]; CENTROIDS / PACKED_LANES],
        };
        for (index, point) in points.chunks_exact(width).enumerate() {
            let (group, lane) = (index / PACKED_LANES, index % PACKED_LANES);
            let mut squares = 0.0;
            for (element, value) in point.iter().enumerate() {
                let value = from_upper_half(upper_half(*value));
                part.centroids[group * width + element][lane] = value;
                squares += value * value;
            }
            part.halves[group][lane] = squares / 2.0;
        }
        part
    }

    fn element(&self, centroid: usize, element: usize) -> f32 {
        self.centroids[centroid / PACKED_LANES * self.width + element][centroid % PACKED_LANES]
    }

    fn put(&self, centroid: usize, out: &mut [f32]) {
        for (element, slot) in out.iter_mut().enumerate() {
            *slot = self.element(centroid, element);
        }
    }
}

/// The centroids of all parts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Codebook {
    parts: Vec<Part>,
}

impl Codebook {
    /// Codes `direction`, a byte a part, and puts in its place what the codes stand for.
    pub(super) fn encode(&self, kernel: PackedKernel, direction: &mut [f32], codes: &mut [u8]) {
        let mut rest = direction;
        for (part, code) in self.parts.iter().zip(codes) {
            let (point, behind) = rest.split_at_mut(part.width);
            let (nearest, _) = kernel.nearest(&part.centroids, &part.halves, point);
            *code = nearest as u8;
            part.put(nearest, point);
            rest = behind;
        }
    }

    /// Puts what the codes stand for into `direction`.
    pub(super) fn decode(&self, codes: &[u8], direction: &mut [f32]) {
        let mut rest = direction;
        for (part, code) in self.parts.iter().zip(codes) {
            let (point, behind) = rest.split_at_mut(part.width);
            part.put(usize::from(*code), point);
            rest = behind;
        }
    }

    /// The upper half of every element of every centroid, part by part.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        for part in &self.parts {
            for centroid in 0..CENTROIDS {
                let elements = (0..part.width).map(|element| upper_half(part.element(centroid, element)));
                out.extend(elements.flat_map(u16::to_le_bytes));
            }
        }
    }

    /// What [`Codebook::write`] wrote, [`CENTROIDS`] times `dimension` numbers; `None` where one of them cannot be part of
    /// a centroid.
    pub(super) fn read(dimension: usize, subvectors: usize, bytes: &[u8]) -> Option<Codebook> {
        let mut rest = bytes.as_chunks::<2>().0;
        let mut parts = Vec::with_capacity(subvectors);
        for part in 0..subvectors {
            let width = part_start(dimension, subvectors, part + 1) - part_start(dimension, subvectors, part);
            let (here, behind) = rest.split_at_checked(width * CENTROIDS)?;
            let points: Vec<f32> = here.iter().map(|bytes| from_upper_half(u16::from_le_bytes(*bytes))).collect();
            if !points.iter().all(|value| value.abs() <= ELEMENT_MAX) {
                return None;
            }
            parts.push(Part::new(width, &points));
            rest = behind;
        }
        Some(Codebook { parts })
    }
}

/// Where a part begins: parts are as equal as they can be.
fn part_start(dimension: usize, subvectors: usize, part: usize) -> usize {
    (dimension as u64 * part as u64 / subvectors as u64) as usize
}
