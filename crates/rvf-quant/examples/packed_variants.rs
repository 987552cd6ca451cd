//! What else product and binary packing were tried with: rotations, more and fewer parts or bits, and other ways from the
//! decoded direction to a distance.
//!
//! `cargo run --release -p rvf-quant --example packed_variants`, some minutes.
//!
//! All vectors are at length 1, so that all metrics have the same neighbours. `docs/packed.md` has what came out.

#[allow(dead_code)] // each example uses its own part
mod codes_data;

use codes_data::{DIMENSION, Data, bytes_of};
use rvf_quant::{PackedLayout, Packing, Quantiser, TopK};
use rvf_types::Metric;

const QUERIES: usize = 250;
const NEIGHBOURS: usize = 10;
const LANES: usize = 16;

/// How a row becomes a distance. `x` is the vector, `m` the mean, `r` what is left, `l` the decoded direction.
#[derive(Clone, Copy)]
enum Form {
    /// `|q - m - s l|^2` with what comes nearest of all `s l`: as built.
    Nearest,
    /// The same with `s l` as long as `r`.
    LengthKept,
    /// `|q - m|^2 + |r|^2 - 2 s (q - m) l`, where `s` makes the product right for `r` itself, as RaBitQ has it.
    Unbiased,
    /// The cosine of `m + s l` with the nearest `s l`.
    Cosine,
    /// `-q (m + s l)`, with that of RaBitQ.
    UnbiasedDot,
}

const FORMS: [Form; 5] = [Form::Nearest, Form::LengthKept, Form::Unbiased, Form::Cosine, Form::UnbiasedDot];

fn main() {
    let data = Data::read();
    let (mut rows, mut queries) = (data.rows, data.queries);
    queries.truncate(QUERIES * DIMENSION);
    for shift in [0.0, 5.0] {
        // Directions of many models have a large part in common.
        for vectors in [&mut rows, &mut queries] {
            vectors.iter_mut().for_each(|value| *value += shift / (DIMENSION as f32).sqrt());
            vectors.chunks_exact_mut(DIMENSION).for_each(bring_to_length_1);
        }
        let set = Set::new(rows.clone(), queries.clone());
        println!("\n| {shift} added | nearest | length kept | unbiased | cosine | unbiased dot | error |");
        println!("|---|---|---|---|---|---|---|");
        for (bits, rounds) in [(384, 0), (384, 3), (512, 1), (512, 3), (1_024, 3)] {
            set.print(&format!("{bits} bits, {rounds} rounds"), &set.mean, &bits_of(&set, &set.mean, bits, rounds));
        }
        let origin = vec![0.0; DIMENSION];
        set.print("512 bits, 3 rounds, no mean taken off", &origin, &bits_of(&set, &origin, 512, 3));
        for subvectors in [96, 128, 144] {
            for rounds in [0, 3] {
                let directions = parts_of(&set, subvectors, rounds);
                set.print(&format!("{subvectors} parts, {rounds} rounds"), &set.mean, &directions);
            }
        }
    }
}

/// Vectors, and which are the nearest.
struct Set {
    rows: Vec<f32>,
    queries: Vec<f32>,
    mean: Vec<f32>,
    truth: Vec<Vec<u32>>,
}

impl Set {
    fn new(rows: Vec<f32>, queries: Vec<f32>) -> Set {
        let count = (rows.len() / DIMENSION) as f64;
        let mean = (0..DIMENSION).map(|index| {
            (rows.iter().skip(index).step_by(DIMENSION).map(|v| f64::from(*v)).sum::<f64>() / count) as f32
        });
        let mean = mean.collect();
        let mut set = Set { rows, queries, mean, truth: Vec::new() };
        // From what is left of both sides, where near vectors are not told apart by the last bits alone.
        set.truth = set.nearest(&set.mean, &set.residuals(&set.mean), None);
        set
    }

    fn residuals(&self, mean: &[f32]) -> Vec<f32> {
        self.rows.chunks_exact(DIMENSION).flat_map(|row| row.iter().zip(mean).map(|(x, m)| x - m)).collect()
    }

    /// The nearest of each query by `|q - m - d|^2`, with a norm for `|d|^2` where one is given.
    fn nearest(&self, mean: &[f32], decoded: &[f32], norms: Option<&[f32]>) -> Vec<Vec<u32>> {
        let own: Vec<f32> = decoded.chunks_exact(DIMENSION).map(|row| dot(row, row)).collect();
        let norms = norms.unwrap_or(&own);
        let nearest = |query: &[f32]| {
            let query: Vec<f32> = query.iter().zip(mean).map(|(q, m)| q - m).collect();
            let mut top = TopK::new(NEIGHBOURS);
            for ((row, decoded), norm) in (0..).zip(decoded.chunks_exact(DIMENSION)).zip(norms) {
                top.push(norm - 2.0 * dot(&query, decoded), row);
            }
            top.into_sorted().into_iter().map(|(_, row)| row).collect()
        };
        self.queries.chunks_exact(DIMENSION).map(nearest).collect()
    }

    /// A row of the table: the share of the true neighbours among as many nearest by each form, and the relative error.
    fn print(&self, name: &str, mean: &[f32], directions: &[f32]) {
        let residuals = self.residuals(mean);
        let shares = FORMS.map(|form| format!("{:.4}", self.recall(form, mean, &residuals, directions)));
        let decoded = scaled(&residuals, directions, |r, l| dot(r, l) / dot(l, l));
        let off: f32 = residuals.iter().zip(&decoded).map(|(r, d)| (r - d) * (r - d)).sum();
        println!("| {name} | {} | {:.4} |", shares.join(" | "), off / (self.rows.len() / DIMENSION) as f32);
    }

    fn recall(&self, form: Form, mean: &[f32], residuals: &[f32], directions: &[f32]) -> f64 {
        let decoded = scaled(residuals, directions, |r, l| match form {
            Form::Nearest | Form::Cosine => dot(r, l) / dot(l, l),
            Form::LengthKept => (dot(r, r) / dot(l, l)).sqrt(),
            Form::Unbiased | Form::UnbiasedDot => dot(r, r) / dot(r, l),
        });
        let origin = vec![0.0; DIMENSION];
        let found = match form {
            Form::Nearest | Form::LengthKept => self.nearest(mean, &decoded, None),
            Form::Unbiased => {
                let norms: Vec<f32> = residuals.chunks_exact(DIMENSION).map(|r| dot(r, r)).collect();
                self.nearest(mean, &decoded, Some(&norms))
            }
            Form::Cosine | Form::UnbiasedDot => {
                let mut whole = decoded;
                for row in whole.chunks_exact_mut(DIMENSION) {
                    row.iter_mut().zip(mean).for_each(|(d, m)| *d += m);
                    if matches!(form, Form::Cosine) {
                        bring_to_length_1(row);
                    }
                }
                self.nearest(&origin, &whole, Some(&vec![0.0; whole.len() / DIMENSION]))
            }
        };
        let hits =
            found.iter().zip(&self.truth).flat_map(|(found, truth)| found.iter().filter(|row| truth.contains(row)));
        hits.count() as f64 / (self.truth.len() * NEIGHBOURS) as f64
    }
}

fn scaled(residuals: &[f32], directions: &[f32], scale: impl Fn(&[f32], &[f32]) -> f32) -> Vec<f32> {
    let pairs = residuals.chunks_exact(DIMENSION).zip(directions.chunks_exact(DIMENSION));
    pairs
        .flat_map(|(r, l)| {
            let scale = scale(r, l);
            l.iter().map(move |value| value * scale)
        })
        .collect()
}

/// Directions by the signs of what is left, rotated into `bits` dimensions.
fn bits_of(set: &Set, mean: &[f32], bits: usize, rounds: usize) -> Vec<f32> {
    let rotation = Rotation::new(bits, rounds);
    let mut directions = set.residuals(mean);
    let mut rotated = vec![0.0; bits];
    for direction in directions.chunks_exact_mut(DIMENSION) {
        rotated.fill(0.0);
        rotated[..DIMENSION].copy_from_slice(direction);
        rotation.apply(&mut rotated);
        rotated.iter_mut().for_each(|value| *value = if *value < 0.0 { -1.0 } else { 1.0 });
        rotation.undo(&mut rotated);
        direction.copy_from_slice(&rotated[..DIMENSION]);
    }
    directions
}

/// Directions by the library's product packing of what is left, rotated or not.
fn parts_of(set: &Set, subvectors: u32, rounds: usize) -> Vec<f32> {
    let rotation = Rotation::new(DIMENSION, rounds);
    let mut directions = set.residuals(&set.mean);
    for direction in directions.chunks_exact_mut(DIMENSION) {
        bring_to_length_1(direction);
        rotation.apply(direction);
    }
    let packing = Packing::Product { subvectors, bits: 8 };
    let layout = PackedLayout::new(packing, Metric::L2, DIMENSION as u32).expect("a valid layout");
    let bytes = bytes_of(&directions);
    let quantiser = Quantiser::train(layout, &bytes, &|| false).expect("a sample").expect("nobody stopped it");
    let mut packed = vec![0; bytes.len() / layout.vector_bytes() * layout.row_bytes()];
    quantiser.encode(&bytes, &mut packed).expect("whole vectors");
    quantiser.decode(&packed, &mut directions).expect("whole rows");
    directions.chunks_exact_mut(DIMENSION).for_each(|direction| rotation.undo(direction));
    directions
}

/// Signs, then the Walsh-Hadamard transform, as often as there are rounds. Where the dimension is no power of two, of as
/// many elements as are one, in turn from both ends.
struct Rotation {
    signs: Vec<Vec<f32>>,
    window: usize,
}

impl Rotation {
    fn new(dimension: usize, rounds: usize) -> Rotation {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut sign = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            if state >> 40 & 1 == 1 { 1.0 } else { -1.0 }
        };
        let signs = (0..rounds).map(|_| (0..dimension).map(|_| sign()).collect()).collect();
        Rotation { signs, window: (dimension + 1).next_power_of_two() / 2 }
    }

    fn apply(&self, values: &mut [f32]) {
        for (round, signs) in self.signs.iter().enumerate() {
            values.iter_mut().zip(signs).for_each(|(value, sign)| *value *= sign);
            self.transform(round, values);
        }
    }

    fn undo(&self, values: &mut [f32]) {
        for (round, signs) in self.signs.iter().enumerate().rev() {
            self.transform(round, values);
            values.iter_mut().zip(signs).for_each(|(value, sign)| *value *= sign);
        }
    }

    fn transform(&self, round: usize, values: &mut [f32]) {
        let start = if round.is_multiple_of(2) { 0 } else { values.len() - self.window };
        let values = &mut values[start..start + self.window];
        let mut half = 1;
        while half < values.len() {
            for block in values.chunks_exact_mut(half * 2) {
                let (left, right) = block.split_at_mut(half);
                for (left, right) in left.iter_mut().zip(right) {
                    (*left, *right) = (*left + *right, *left - *right);
                }
            }
            half *= 2;
        }
        let factor = (values.len() as f32).sqrt().recip();
        values.iter_mut().for_each(|value| *value *= factor);
    }
}

fn bring_to_length_1(vector: &mut [f32]) {
    let length = dot(vector, vector).sqrt();
    vector.iter_mut().for_each(|value| *value /= length);
}

fn dot(left: &[f32], right: &[f32]) -> f32 {
    let mut sums = [0.0; LANES];
    for (left, right) in left.as_chunks::<LANES>().0.iter().zip(right.as_chunks::<LANES>().0) {
        for lane in 0..LANES {
            sums[lane] += left[lane] * right[lane];
        }
    }
    sums.iter().sum()
}
