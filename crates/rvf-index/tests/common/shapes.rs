//! Data that graphs are bad at.

/// A generator of numbers that are the same on every machine (SplitMix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ word >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ word >> 31
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// About normal, by adding up.
    pub fn normal(&mut self) -> f32 {
        (0..12).map(|_| (self.next() >> 40) as f32 / (1 << 24) as f32).sum::<f32>() - 6.0
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for index in (1..items.len()).rev() {
            items.swap(index, self.below(index + 1));
        }
    }
}

/// Name, dimension, and vectors of a shape.
pub type Shape = (&'static str, usize, fn(usize) -> Vec<f32>);

pub const SHAPES: [Shape; 8] = [
    ("random", 16, random),
    ("duplicates", 8, duplicates),
    ("one vector", 8, |rows| [1.0, 0.5, -0.5, 2.0, 0.0, 1.0, 1.0, 1.0].repeat(rows)),
    ("zeros", 8, |rows| vec![0.0; rows * 8]),
    ("one dimension", 1, |rows| (0..rows).map(|row| row as f32 - 3.0).collect()),
    ("outliers", 8, outliers),
    ("clusters", 8, clusters),
    ("zeros among others", 8, zeros_among_others),
];

pub fn random(rows: usize) -> Vec<f32> {
    let mut random = Random(1);
    (0..rows * 16).map(|_| random.normal()).collect()
}

/// A few vectors, each many times, one after the other.
fn duplicates(rows: usize) -> Vec<f32> {
    let mut random = Random(2);
    let kinds: Vec<f32> = (0..5 * 8).map(|_| random.normal()).collect();
    (0..rows).flat_map(|row| kinds[row * 5 / rows * 8..][..8].to_vec()).collect()
}

/// A tight crowd, and rows far from it and from one another.
fn outliers(rows: usize) -> Vec<f32> {
    let mut random = Random(3);
    (0..rows)
        .flat_map(|row| {
            let reach = if row % 9 == 4 { 10.0_f32.powi((row % 5) as i32) } else { 0.01 };
            (0..8).map(|_| random.normal() * reach).collect::<Vec<_>>()
        })
        .collect()
}

/// Clusters far from one another, one after the other.
fn clusters(rows: usize) -> Vec<f32> {
    let mut random = Random(4);
    let centres: Vec<f32> = (0..7 * 8).map(|_| random.normal() * 100.0).collect();
    (0..rows)
        .flat_map(|row| {
            let centre = &centres[row * 7 / rows * 8..][..8];
            centre.iter().map(|value| value + random.normal() * 0.01).collect::<Vec<_>>()
        })
        .collect()
}

fn zeros_among_others(rows: usize) -> Vec<f32> {
    let mut vectors = random(rows.div_ceil(2));
    vectors.truncate(rows * 8);
    for vector in vectors.chunks_exact_mut(8).step_by(3) {
        vector.fill(0.0);
    }
    vectors
}
