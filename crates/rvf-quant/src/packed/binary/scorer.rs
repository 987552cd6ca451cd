use super::{Rotation, padded};
use crate::kernels::{PACKED_WORDS, PackedKernel};

/// Bits of an element of the query: for distances, and for estimates.
const PLANES: usize = 16;
const QUICK_PLANES: usize = 6;

/// A query's direction, rotated, as whole numbers of which each bit makes a plane.
pub(in crate::packed) struct BinaryQuery {
    kernel: PackedKernel,
    precise: Planes,
    quick: Planes,
}

impl BinaryQuery {
    pub(in crate::packed) fn new(kernel: PackedKernel, rotation: &Rotation, direction: &[f32]) -> BinaryQuery {
        let mut rotated = padded(rotation, direction);
        rotation.apply(&mut rotated);
        let (precise, quick) = (Planes::new(&rotated, PLANES), Planes::new(&rotated, QUICK_PLANES));
        BinaryQuery { kernel, precise, quick }
    }

    /// Dot product with the direction that `codes` stand for.
    #[inline]
    pub(in crate::packed) fn dot(&self, codes: &[u8]) -> f64 {
        self.precise.dot(self.kernel, codes)
    }

    /// The same, quicker and less precise.
    #[inline]
    pub(in crate::packed) fn quick_dot(&self, codes: &[u8]) -> f64 {
        self.quick.dot(self.kernel, codes)
    }
}

/// Signed numbers, bit by bit. Kernels have the order.
struct Planes {
    words: Vec<[u64; PACKED_WORDS]>,
    count: usize,
    /// Sum of all numbers.
    sum: i64,
    /// What a sum of numbers is multiplied with.
    unit: f64,
}

impl Planes {
    fn new(values: &[f32], count: usize) -> Planes {
        let largest = values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        let number_max = ((1_i32 << (count - 1)) - 1) as f32;
        let factor = if largest > 0.0 { number_max / largest } else { 0.0 };
        let group_bits = PACKED_WORDS * 64;
        let mut words = vec![[0; PACKED_WORDS]; values.len().div_ceil(group_bits) * count];
        let mut sum = 0;
        for (index, values) in values.chunks(64).enumerate() {
            let planes = &mut words[index / PACKED_WORDS * count..][..count];
            for (place, value) in values.iter().enumerate() {
                let number = (value * factor).round_ties_even() as i32;
                sum += i64::from(number);
                for (bit, plane) in planes.iter_mut().enumerate() {
                    plane[index % PACKED_WORDS] |= u64::from(number.cast_unsigned() >> bit & 1) << place;
                }
            }
        }
        // A row's elements are 1 or -1 in units of the root of their number.
        let unit = f64::from(largest / number_max) / (values.len() as f64).sqrt();
        Planes { words, count, sum, unit }
    }

    #[inline(always)]
    fn dot(&self, kernel: PackedKernel, codes: &[u8]) -> f64 {
        let picked = kernel.bit_sum(&self.words, self.count, codes);
        self.unit * (2 * picked - self.sum) as f64
    }
}
