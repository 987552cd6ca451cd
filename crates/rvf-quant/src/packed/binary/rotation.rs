/// How often signs change and the transform follows. Two leave single elements visible.
const ROUNDS: usize = 3;

/// What the signs are drawn from, the same in every store.
const SEED: u64 = 0x5256_4642_494E_4152;

/// A rotation by random signs and fast Walsh-Hadamard transforms (Ailon and Chazelle, "Approximate nearest neighbors and
/// the fast Johnson-Lindenstrauss transform", STOC 2006), several rounds of both.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::packed) struct Rotation {
    /// 1 or -1, `bits` of them a round.
    signs: Vec<f32>,
    bits: usize,
    /// What makes a round keep lengths.
    factor: f32,
}

impl Rotation {
    /// Of vectors of `bits` elements, a power of two.
    pub(in crate::packed) fn new(bits: usize) -> Rotation {
        let mut random = SEED;
        let signs = (0..bits * ROUNDS).map(|_| if next(&mut random) >> 63 == 1 { -1.0 } else { 1.0 });
        Rotation { signs: signs.collect(), bits, factor: (bits as f64).sqrt().recip() as f32 }
    }

    /// Elements of what is rotated.
    pub(in crate::packed) fn bits(&self) -> usize {
        self.bits
    }

    pub(super) fn apply(&self, values: &mut [f32]) {
        for signs in self.signs.chunks_exact(self.bits) {
            multiply(values, signs);
            transform(values, self.factor);
        }
    }

    /// The other way round.
    pub(super) fn undo(&self, values: &mut [f32]) {
        for signs in self.signs.chunks_exact(self.bits).rev() {
            transform(values, self.factor);
            multiply(values, signs);
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (*state ^ *state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ mixed >> 31
}

fn multiply(values: &mut [f32], signs: &[f32]) {
    for (value, sign) in values.iter_mut().zip(signs) {
        *value *= sign;
    }
}

/// Walsh-Hadamard transform, times `factor`; its own inverse where that is one by the root of the length.
fn transform(values: &mut [f32], factor: f32) {
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
    for value in values {
        *value *= factor;
    }
}
