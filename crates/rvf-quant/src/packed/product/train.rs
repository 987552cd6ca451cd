//! Lloyd's k-means for each part, on more and more of the sample: early rounds, which only sort out the coarse, cost little.

use super::{CENTROIDS, Codebook, Part, part_start};
use crate::kernels::PackedKernel;
use crate::packed::PackedLayout;
use crate::packed::centre::{Centre, Lengths};

/// Vectors of each round, at most.
const ROUNDS: [usize; 4] = [2_048, 4_096, 8_192, 16_384];

/// The codebook for the directions of `sample`, whole vectors and at least one; `None` when stopped.
pub(in crate::packed) fn train(
    kernel: PackedKernel,
    layout: PackedLayout,
    subvectors: usize,
    centre: &Centre,
    sample: &[u8],
    should_stop: &dyn Fn() -> bool,
) -> Option<Codebook> {
    let vector_bytes = layout.vector_bytes();
    let count = sample.len() / vector_bytes;
    let used = count.min(ROUNDS[ROUNDS.len() - 1]);
    // Evenly out of all of it, which may be in any order.
    let vectors: Vec<&[u8]> =
        (0..used).map(|index| &sample[index * count / used * vector_bytes..][..vector_bytes]).collect();
    let lengths: Vec<Lengths> = vectors.iter().map(|vector| centre.lengths(vector)).collect();
    let dimension = layout.dimension() as usize;
    let mut parts = Vec::with_capacity(subvectors);
    for part in 0..subvectors {
        let elements = part_start(dimension, subvectors, part)..part_start(dimension, subvectors, part + 1);
        let of_vector = |(vector, lengths): (&&[u8], &Lengths)| -> Vec<f32> {
            elements.clone().map(|index| centre.element(*lengths, vector, index)).collect()
        };
        let points: Vec<f32> = vectors.iter().zip(&lengths).flat_map(of_vector).collect();
        parts.push(cluster(kernel, elements.len(), &points, should_stop)?);
    }
    Some(Codebook { parts })
}

/// The centroids of `points`, `width` elements each; `None` when stopped.
fn cluster(kernel: PackedKernel, width: usize, points: &[f32], should_stop: &dyn Fn() -> bool) -> Option<Part> {
    let count = points.len() / width;
    let point = |index: usize| &points[index * width..][..width];
    let first: Vec<f32> = (0..CENTROIDS).flat_map(|centroid| point(centroid * count / CENTROIDS)).copied().collect();
    let mut part = Part::new(width, &first);
    for round in ROUNDS {
        if should_stop() {
            return None;
        }
        let used = round.min(count);
        let mut members = Members::new(width);
        for index in 0..used {
            members.add(kernel, &part, point(index * count / used));
        }
        part = members.centroids(&part);
    }
    Some(part)
}

/// What falls to each centroid.
struct Members {
    width: usize,
    sums: Vec<f64>,
    counts: Vec<u32>,
    /// Points that are farther from their centroid than all before, and how far, squared.
    points: Vec<(f32, Vec<f32>)>,
}

impl Members {
    fn new(width: usize) -> Members {
        Members { width, sums: vec![0.0; CENTROIDS * width], counts: vec![0; CENTROIDS], points: Vec::new() }
    }

    fn add(&mut self, kernel: PackedKernel, part: &Part, point: &[f32]) {
        let (nearest, score) = kernel.nearest(&part.centroids, &part.halves, point);
        self.counts[nearest] += 1;
        for (sum, value) in self.sums[nearest * self.width..].iter_mut().zip(point) {
            *sum += f64::from(*value);
        }
        let squares: f32 = point.iter().map(|value| value * value).sum();
        self.note_far(squares - 2.0 * score, point);
    }

    fn note_far(&mut self, distance: f32, point: &[f32]) {
        if distance > self.points.last().map_or(0.0, |(farthest, _)| *farthest) {
            self.points.push((distance, point.to_vec()));
        }
    }

    /// The means. A centroid that nothing fell to moves to a point that is far from its own.
    fn centroids(mut self, before: &Part) -> Part {
        let mut means = Vec::with_capacity(CENTROIDS * self.width);
        for (centroid, count) in self.counts.iter().enumerate() {
            if *count > 0 {
                let sums = &self.sums[centroid * self.width..][..self.width];
                means.extend(sums.iter().map(|sum| (sum / f64::from(*count)) as f32));
            } else if let Some((_, point)) = self.points.pop() {
                means.extend(point);
            } else {
                means.extend((0..self.width).map(|element| before.element(centroid, element)));
            }
        }
        Part::new(self.width, &means)
    }
}
